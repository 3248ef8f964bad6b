import { interactionPolicy, type KoaContextWithOIDC } from 'oidc-provider';
import type { Services } from '../services.ts';
import { checkNamedPerson } from './answers/named-person.ts';
import { isSignedOut, type KnownAccount } from './claims.ts';
import { undecidedOf } from './compat/undecided.ts';
import { isFirstParty } from './grant-minting.ts';
import { needsConsentPage } from './offline-access.ts';
import type { PairwiseSubjects } from './pairwise.ts';
import { isTooOld } from './sessions.ts';
import { checkLevels } from './step-up/level-check.ts';

/**
 * When an authorization request needs the person: to prove who they are (prompt `login`), or to decide (prompt
 * `consent`). The engine brings the standard's reasons (prompt, max_age, scopes that were not decided);
 * these are ours.
 */
export function openInteractionPolicy(
  context: Pick<Services, 'settings' | 'clock'> & { subjects: PairwiseSubjects },
) {
  const { base, Check, Prompt } = interactionPolicy;
  const policy = base();
  const login = policy.get('login');
  const consent = policy.get('consent');
  if (!login || !consent) throw new Error('the engine has no login or consent prompt');

  login.checks.add(
    // Without this, a session of an account that is suspended or gone would be a 500.
    new Check('no_account', 'End-User authentication is required', 'login_required', ({ oidc }) =>
      Boolean(oidc.session?.accountId && !oidc.account),
    ),
  );
  login.checks.add(
    new Check('signed_out', 'End-User authentication is required', 'login_required', ({ oidc }) =>
      wasSignedOut(oidc),
    ),
  );
  login.checks.add(
    // The engine's sessions slide with use; this one ends for good.
    new Check('session_too_old', 'End-User authentication is required', 'login_required', ({ oidc }) => {
      const { loginTs, accountId } = oidc.session ?? {};
      return Boolean(accountId && loginTs && isTooOld(context, loginTs));
    }),
  );

  checkNamedPerson(login, context.subjects);
  checkLevels(login);

  // Asked before the rest: who is to sign in (OpenID Connect Core section 3.1.2.1), and whether somebody new is (Initiating
  // User Registration 1.0). Both only when the app asks.
  policy.add(new Prompt({ name: 'select_account', requestable: true }), 0);
  policy.add(new Prompt({ name: 'create', requestable: true }), 0);

  consent.checks.remove('consent_prompt');
  consent.checks.add(
    new Check('consent_asked_for', 'consent prompt was not resolved', 'consent_required', needsConsentPage),
  );
  consent.checks.add(
    // The engine knows the standard's scopes; these it would let through without a word (compat/).
    new Check(
      'compat_scopes_missing',
      'requested scopes not granted',
      'consent_required',
      (ctx) => undecidedOf(ctx).length > 0,
      (ctx) => ({ missingOIDCScope: undecidedOf(ctx) }),
    ),
  );
  consent.checks.remove('native_client_prompt');
  consent.checks.add(
    // Another program can take over a loopback port or a private scheme, so a person confirms each time (RFC 8252
    // section 8.6). A claimed https address proves the app, and there the decision is remembered.
    new Check('native_app', 'native clients require End-User interaction', 'consent_required', ({ oidc }) => {
      const redirectUri = String(oidc.params?.['redirect_uri'] ?? '');
      const { client, result } = oidc;
      return Boolean(
        client?.applicationType === 'native' &&
          !redirectUri.startsWith('https:') &&
          !isFirstParty(client) &&
          !result?.consent,
      );
    }),
  );
  return policy;
}

function wasSignedOut({ session, account }: KoaContextWithOIDC['oidc']): boolean {
  if (!session || !account) return false;
  return isSignedOut((account as KnownAccount).record, { uid: session.uid, loginTs: session.loginTs });
}
