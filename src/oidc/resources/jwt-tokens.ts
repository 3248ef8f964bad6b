import { constants, createPublicKey, type JsonWebKey, type KeyObject, verify } from 'node:crypto';
import type { JWK, Provider } from 'oidc-provider';
import { isFromEarlierLife } from '../earlier-life.ts';
import { currentContext } from '../engine-context.ts';
import type { KnownRecords } from '../known-records.ts';
import { grantIdLength } from '../live-layout.ts';
import { requestMemory } from '../request-memory.ts';

/**
 * Access tokens that are JWTs (RFC 9068) are stored nowhere: an API reads them by itself, and believes them until they
 * end. Who wants to know more asks here (RFC 7662), and token exchange takes them too. For that the grant they were issued
 * under stands in their `jti`, with a letter that says whether they end with the session, so that an ending reaches them.
 *
 * The engine refuses every JWT at its introspection endpoint before it looks at it. So once the app is known its dots are
 * replaced by a character that no token of ours has, and the engine looks for the token as for any other.
 */
const veil = '~';
/** Stands between the two; in no id that is only random, such as that of an app's token for itself. */
const mark = '.';
const boundLetter = 's';
const lastingLetter = 'l';

export function jwtTokenId(grantId: string, random: string, { bound }: { bound: boolean }): string {
  return `${grantId}${mark}${bound ? boundLetter : lastingLetter}${random}`;
}

type Find = (value: string, options?: object) => Promise<object | undefined>;

export function findJwtTokens(
  provider: Provider,
  { jwks, known }: { jwks: readonly JWK[]; known: KnownRecords },
): void {
  const { prototype } = provider.OIDCContext as unknown as {
    prototype: { entity(this: Context, name: string, value: object): void };
  };
  const entity = prototype.entity;
  prototype.entity = function (name, value) {
    entity.call(this, name, value);
    if (name !== 'Client' || this.route !== 'introspection' || !this.params) return;
    const { token } = this.params;
    if (typeof token === 'string') this.params['token'] = veiled(token);
  };
  const keys = new Map(jwks.map((jwk) => [String(jwk.kid), readKey(jwk)]));
  const model = provider.AccessToken as unknown as { find: Find };
  const find = model.find;
  model.find = async function (value, options) {
    const route = currentContext()?.oidc.route;
    const asked = route === 'introspection' || route === 'token';
    if (!asked || !value.includes(veil)) return find.call(this, value, options);
    const claims = readJwt(value.replaceAll(veil, '.'), keys);
    return claims && tokenOf({ provider, known }, claims);
  };
}

type Context = { route: string; params?: Record<string, unknown> };

/** Only what looks like one of ours: the rest is for the engine to refuse. */
export function veiled(token: string): string {
  return jwtShape.test(token) ? token.replaceAll('.', veil) : token;
}
const jwtShape = /^[A-Za-z0-9_-]{10,1000}\.[A-Za-z0-9_-]{10,8000}\.[A-Za-z0-9_-]{10,1000}$/;

type Key = KeyObject;
type Claims = {
  jti: string;
  iat: number;
  exp: number;
  iss: string;
  aud: string;
  client_id: string;
  scope?: string;
  cnf?: { jkt?: string; 'x5t#S256'?: string };
  authorization_details?: object[];
  sub: string;
} & Record<string, unknown>;

function readKey(jwk: JWK): Key {
  return createPublicKey({ key: publicPart({ ...jwk }) as JsonWebKey, format: 'jwk' });
}

function publicPart({ d: _d, p: _p, q: _q, dp: _dp, dq: _dq, qi: _qi, ...rest }: Record<string, unknown>) {
  return rest;
}

/** The claims of an access token that we signed, ended or not. */
function readJwt(jwt: string, keys: ReadonlyMap<string, Key>): Claims | undefined {
  const [head = '', body = '', signature = ''] = jwt.split('.');
  try {
    const header = JSON.parse(Buffer.from(head, 'base64url').toString()) as Record<string, unknown>;
    const key = keys.get(String(header['kid']));
    // The type keeps an ID token from being taken for an access token (RFC 9068 section 2.1, RFC 8725 section 3.11).
    if (!key || header['typ'] !== 'at+jwt') return undefined;
    if (!isSigned(key, String(header['alg']), `${head}.${body}`, signature)) return undefined;
    return JSON.parse(Buffer.from(body, 'base64url').toString()) as Claims;
  } catch {
    return undefined;
  }
}

/** By an algorithm of this kind of key: one of RSA signs by two. */
function isSigned(key: Key, alg: string, text: string, signature: string): boolean {
  const ways: Record<string, Parameters<typeof verify>[2] | undefined> = {
    'rsa RS256': { key, padding: constants.RSA_PKCS1_PADDING },
    'rsa PS256': { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 },
    'ec ES256': { key, dsaEncoding: 'ieee-p1363' as const },
    'ed25519 EdDSA': key,
  };
  const how = ways[`${key.asymmetricKeyType} ${alg}`];
  if (!how) return false;
  const hash = alg === 'EdDSA' ? null : 'sha256';
  return verify(hash, Buffer.from(text), how, Buffer.from(signature, 'base64url'));
}

const named = new Set('jti iat exp iss aud client_id scope cnf authorization_details sub'.split(' '));

/** As the engine would have read it from the store. */
async function tokenOf(
  { provider, known }: { provider: Provider; known: KnownRecords },
  claims: Claims,
): Promise<object | undefined> {
  const { jti, iat, exp, aud, client_id: clientId, scope, cnf = {}, authorization_details: rar } = claims;
  const extra = Object.fromEntries(Object.entries(claims).filter(([name]) => !named.has(name)));
  const { jkt, 'x5t#S256': x5t } = cnf;
  const said = {
    ...{ jti, iat, exp, aud, clientId, scope, extra },
    ...(jkt ? { jkt } : {}),
    ...(x5t ? { 'x5t#S256': x5t } : {}),
    ...(rar ? { rar } : {}),
  };
  // Of an app for itself: there is no grant, and nothing but the end of its app ends it early.
  if (jti[grantIdLength] !== mark) {
    if (await isFromEarlierLife(known, clientId, claims)) return undefined;
    return new provider.ClientCredentials({ ...said, kind: 'ClientCredentials' } as never);
  }
  const grantId = jti.slice(0, grantIdLength);
  const letter = jti[grantIdLength + mark.length];
  const grant = await provider.Grant.find(grantId);
  if (!grant) return undefined;
  const over = requestMemory()?.grants.get(grantId)?.grant.sessionOver === true;
  if (over && letter === boundLetter) return undefined;
  const { accountId } = grant;
  const bound = letter === boundLetter ? { expiresWithSession: true } : {};
  return new provider.AccessToken({ ...said, ...bound, kind: 'AccessToken', grantId, accountId } as never);
}
