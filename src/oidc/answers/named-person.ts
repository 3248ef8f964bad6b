import { errors, interactionPolicy, type KoaContextWithOIDC } from 'oidc-provider';
import type { PairwiseSubjects } from '../pairwise.ts';

/** The reason by which our pages know that the app wants somebody else than who is signed in. */
export const anotherPerson = 'another_person';

/**
 * A request may name the person it is about: by an ID token (`id_token_hint`), or by `sub` with a value, or several, among
 * the claims. Nobody else is ever the answer, even if they are signed in (OpenID Connect Core section 3.1.2.2): who is here
 * is asked to sign in as the one who is meant, and when somebody else did, the app is told so. The engine's own checks
 * look at the hint before anybody signed in and not after, and at one value of `sub`.
 */
export function checkNamedPerson(login: interactionPolicy.Prompt, subjects: PairwiseSubjects): void {
  login.checks.remove('id_token_hint');
  login.checks.remove('claims_id_token_sub_value');
  login.checks.add(
    new interactionPolicy.Check(
      anotherPerson,
      'the person whom the request names is not signed in',
      'login_required',
      ({ oidc }) => {
        const named = namedIn(oidc.params ?? {});
        const subject = named.length > 0 ? subjectHere(oidc, subjects) : undefined;
        // Without a session the sign-in is asked for anyway.
        if (subject === undefined || named.every((one) => one.has(subject))) return false;
        if (oidc.result?.login)
          throw new errors.LoginRequired('somebody else signed in than the request names');
        return true;
      },
    ),
  );
}

function subjectHere({ session, client }: KoaContextWithOIDC['oidc'], subjects: PairwiseSubjects) {
  const { accountId } = session ?? {};
  return accountId && client?.subjectType === 'pairwise' ? subjects(client, accountId) : accountId;
}

/** Each a condition of its own. The engine has verified the hint and read the claims when the request came in. */
function namedIn({ id_token_hint: hint, claims }: { id_token_hint?: unknown; claims?: unknown }) {
  const asked = typeof claims === 'string' ? (JSON.parse(claims) as Asked) : {};
  const { sub } = typeof hint === 'string' ? payloadOf(hint) : {};
  return [
    ...(sub === undefined ? [] : [new Set([sub])]),
    ...[asked.id_token?.sub, asked.userinfo?.sub].flatMap((claim) => valuesOf(claim) ?? []),
  ];
}

type ClaimRequest = { value?: unknown; values?: unknown } | null | undefined;
type Asked = Record<'id_token' | 'userinfo', { sub?: ClaimRequest } | undefined> | Record<string, undefined>;

/** OpenID Connect Core section 5.5.1. Asked for without a value, it is only to be said. */
function valuesOf(claim: ClaimRequest): Set<unknown> | undefined {
  if (!claim || !('value' in claim || 'values' in claim)) return undefined;
  return new Set([
    ...('value' in claim ? [claim.value] : []),
    ...(Array.isArray(claim.values) ? claim.values : []),
  ]);
}

function payloadOf(jwt: string): { sub?: unknown } {
  return JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString());
}
