import { errors, interactionPolicy, type KoaContextWithOIDC, type Provider } from 'oidc-provider';
import { acrFor, cannotBeMet, levelOf, wantedLevel } from '../../kit/levels.ts';
import { readMember } from '../context-members.ts';

/** The reason by which our pages know that only a level is missing (interactions/step-up.ts). */
export const levelMissing = 'level_missing';

/**
 * Takes the place of the engine's checks of `acr`, which compare one text and know neither `acr_values` nor that a higher
 * level holds the lower ones. `without_level` in the result: the person has nothing to reach it with and went on without,
 * which a request that makes it essential does not allow.
 */
export function checkLevels(login: interactionPolicy.Prompt): void {
  login.checks.remove('essential_acr');
  login.checks.remove('essential_acrs');
  login.checks.add(
    new interactionPolicy.Check(
      levelMissing,
      'the requested level of authentication was not reached',
      'login_required',
      ({ oidc }) => {
        const wanted = wantedLevel(oidc.params ?? {});
        // OpenID Connect Core Unmet Authentication Requirements 1.0: no sign-in could ever meet it.
        if (cannotBeMet(wanted))
          throw new errors.UnmetAuthenticationRequirements('none of the requested levels is supported');
        // Without a session the sign-in is asked for anyway, and asks for this as well.
        if (!oidc.session?.accountId || levelOf(oidc.session.amr) >= wanted.least) return false;
        return wanted.essential || !oidc.result?.['without_level'];
      },
    ),
  );
}

/** The engine's `acr` is one text in the session; ours follows from what was proved and what was asked for. */
export function sayLevels(provider: Provider): void {
  readMember<KoaContextWithOIDC['oidc'], string | undefined>(provider, 'acr', ({ session, params }) =>
    acrFor(session?.amr, wantedLevel(params ?? {})),
  );
}

/** Of what was proved, for every ID token (OpenID Connect Core section 2). */
export const levelClaims = ['acr', 'amr', 'auth_time'] as const;
