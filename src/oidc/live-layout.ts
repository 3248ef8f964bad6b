import type { AdapterPayload } from 'oidc-provider';
import { digest } from '../kit/secrets.ts';
import type { LiveKey } from '../store/live.ts';

/**
 * Where the engine's records lie in the live state. What stands in braces is the partition: one atomic commit, one
 * slot of a Redis Cluster.
 *
 *   {<grant id>}:g             Grant: what one sign-in of one person to one app may do
 *   {<grant id>}:c:<digest>    AuthorizationCode  ┐
 *   {<grant id>}:a:<digest>    AccessToken        ├ every use reads the grant beside it, so that deleting the
 *   {<grant id>}:r:<digest>    RefreshToken       ┘ one grant kills them all, on every process, at once
 *   {<session uid>}:s          Session: the cookie is `<uid>.<secret>`, and only the secret's digest is kept
 *   {<interaction uid>}:i      Interaction: a sign-in or consent that is under way
 *   {<digest>}:k               ClientCredentials token
 *   {<digest>}:p               PushedAuthorizationRequest (RFC 9126)
 *   {<digest>}:x               a `jti` that was seen: client assertion or DPoP proof (RFC 7523, RFC 9449)
 *   {account <id>}:sessions    index of session uids     ┐ written before what they list, so that whoever
 *   {account <id>}:grants      index of grants           │ ends things by index misses nothing
 *   {client <id>}:grants       index of grants           ┘
 *
 * Nothing here lets its reader in: ids of codes, tokens and sessions are kept as SHA-256 digests, and the engine's
 * payloads are stored without them.
 */
export const grantIdLength = 22;
const tokenSecretLength = 43;

export const layout = {
  grant: (grantId: string): LiveKey => `{${grantId}}:g`,
  session: (uid: string): LiveKey => `{${uid}}:s`,
  interaction: (uid: string): LiveKey => `{${uid}}:i`,
  replay: (id: string): LiveKey => `{${id}}:x`,
  accountSessions: (accountId: string): LiveKey => `{account ${accountId}}:sessions`,
  accountGrants: (accountId: string): LiveKey => `{account ${accountId}}:grants`,
  clientGrants: (clientId: string): LiveKey => `{client ${digest(clientId)}}:grants`,
  /** Codes and tokens that belong to a grant; undefined when the text cannot be one of ours. */
  underGrant(letter: 'c' | 'a' | 'r', token: string): { grantId: string; key: LiveKey } | undefined {
    if (!tokenShape.test(token)) return undefined;
    const grantId = token.slice(0, grantIdLength);
    return { grantId, key: `{${grantId}}:${letter}:${digest(token)}` };
  },
  alone: (letter: 'k' | 'p', id: string): LiveKey => `{${digest(id)}}:${letter}`,
};

// One exact shape: anything longer, shorter or with another character is no token, before any store is asked.
const tokenShape = new RegExp(`^[A-Za-z0-9_-]{${grantIdLength + tokenSecretLength}}$`);

/** The members of an index of grants: which grant, of whom, for which app. */
export type GrantMember = { grantId: string; accountId: string; clientId: string };

export function grantMember({ grantId, accountId, clientId }: GrantMember): string {
  return JSON.stringify([grantId, accountId, clientId]);
}

export function readGrantMember(member: string): GrantMember {
  const [grantId, accountId, clientId] = JSON.parse(member) as [string, string, string];
  return { grantId, accountId, clientId };
}

/** An engine's payload as it is stored: without the id that it is found by, which may be a secret. */
export function toStored({ jti: _jti, ...payload }: AdapterPayload): string {
  return JSON.stringify(payload);
}

export function fromStored(value: string, jti: string): AdapterPayload {
  return { ...JSON.parse(value), jti };
}
