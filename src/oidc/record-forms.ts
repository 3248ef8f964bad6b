import type { AdapterPayload } from 'oidc-provider';
import { authorizations, before, list, onlyOpenid, onlyScope, seen, words, yes } from './shortenings.ts';
import { type Defaults, openForm } from './stored-form.ts';
import type { StoredGrant } from './stored-grant.ts';
import type { StoredSession } from './stored-session.ts';

/**
 * The members of each kind of record, for stored-form.ts. A line may be added at the end of a table; what stands in one
 * stays where it is.
 */
const scope = words({
  openid: 'o',
  profile: 'p',
  email: 'e',
  phone: 'h',
  address: 'a',
  offline_access: 'f',
  lwa: 'l',
  'lwa:user_id': 'u',
  'lwa:profile': 'n',
  'lwa:postal_code': 'z',
});

const levels = words({ 'urn:latchkey:acr:1fa': '1', 'urn:latchkey:acr:2fa': '2', phr: '3' });

const tokenForm = openForm([
  'kind',
  'grantId',
  'accountId',
  'clientId',
  'sessionUid',
  { name: 'expiresWithSession', shorten: yes },
  { name: 'gty', shorten: words({ authorization_code: 'c', refresh_token: 'r', client_credentials: 'k' }) },
  { name: 'scope', shorten: scope },
  'sid',
  { name: 'authTime', shorten: before },
  { name: 'amr', shorten: list },
  { name: 'acr', shorten: levels },
  'nonce',
  { name: 'iiat', shorten: before },
  'rotations',
  'jkt',
  'redirectUri',
  'codeChallenge',
  'codeChallengeMethod',
  'dpopJkt',
  'claims',
  'resource',
  'aud',
  'extra',
  'rar',
  'x5t#S256',
]);

const grantForm = openForm([
  'kind',
  'accountId',
  'clientId',
  'sessionUid',
  { name: 'sessionOver', shorten: yes },
  { name: 'openid', shorten: onlyScope(scope) },
  { name: 'rejected', shorten: onlyOpenid(onlyScope(scope)) },
  'resources',
  'rar',
]);

const sessionForm = openForm([
  'kind',
  'uid',
  'secret',
  'accountId',
  { name: 'loginTs', shorten: before },
  { name: 'amr', shorten: list },
  'acr',
  { name: 'transient', shorten: yes },
  { name: 'authorizations', shorten: authorizations(scope) },
  { name: 'seen', shorten: seen },
  'former',
  'state',
]);

export type TokenLetter = 'c' | 'a' | 'r';
type Beside = { letter: TokenLetter; grantId: string; grant: StoredGrant | undefined };
const kinds = { c: 'AuthorizationCode', a: 'AccessToken', r: 'RefreshToken' } as const;

/** No value is equal to these, so that each is said, and where there is none, that. */
const unknown = { accountId: Symbol('unknown'), clientId: Symbol('unknown'), sessionUid: Symbol('unknown') };

/** What a token has in common with its grant is not said again. When the grant is not at hand, everything is. */
function besideGrant({ letter, grantId, grant }: Beside): Defaults {
  const { accountId, clientId, sessionUid } = grant ?? unknown;
  return { kind: kinds[letter], grantId, accountId, clientId, sessionUid };
}

export function writeToken(payload: AdapterPayload, beside: Beside): string {
  return tokenForm.write(payload, besideGrant(beside));
}

export function readToken(value: string, beside: Beside & { grant: StoredGrant }): AdapterPayload {
  return tokenForm.read(value, besideGrant(beside));
}

const lone = { k: { kind: 'ClientCredentials' }, p: { kind: 'PushedAuthorizationRequest' } } as const;

export function writeLoneToken(payload: AdapterPayload, letter: 'k' | 'p'): string {
  return tokenForm.write(payload, lone[letter]);
}

export function readLoneToken(value: string, letter: 'k' | 'p'): AdapterPayload {
  return tokenForm.read(value, lone[letter]);
}

export function writeGrant(grant: StoredGrant): string {
  return grantForm.write(grant, { kind: 'Grant' });
}

export function readGrant(value: string): StoredGrant {
  return grantForm.read(value, { kind: 'Grant' }) as StoredGrant;
}

export function writeSession(session: StoredSession): string {
  return sessionForm.write(session, { kind: 'Session', uid: session.uid });
}

export function readSession(value: string, uid: string): StoredSession {
  return sessionForm.read(value, { kind: 'Session', uid }) as StoredSession;
}
