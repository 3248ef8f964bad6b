import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newKeys, openSigningApp, type SigningApp, seconds } from '../../support/signing-app.ts';
import { send } from '../../support/wire.ts';
import { openWorld, type TestAccount, type World } from '../../support/world.ts';

/** What the plan "FAPI 2.0 Security Profile" tries beyond the rules of high-assurance.test.ts, module by module. */
let world: World;
let app: SigningApp;
let other: SigningApp;
let account: TestAccount;
let accessToken: string;
beforeAll(async () => {
  world = await openWorld();
  app = await openSigningApp(world, { high_assurance: true });
  other = await openSigningApp(world, { high_assurance: true });
  account = await world.account();
  const { json } = await app.redeemsBound(await app.getsCode(account));
  accessToken = String(json['access_token']);
});
afterAll(() => world.close());

const ath = (token: string) => createHash('sha256').update(token).digest('base64url');

/** `/userinfo` with a proof that is right but for what is said. */
function reads({
  scheme = 'DPoP',
  claims = {},
  header = {},
  keys = app.keys,
  more = {},
}: {
  scheme?: string;
  claims?: object;
  header?: object;
  keys?: SigningApp['keys'];
  more?: Record<string, string | string[] | undefined>;
} = {}) {
  const proof = app.proof('/userinfo', { ath: ath(accessToken), ...claims }, { method: 'GET', keys, header });
  return send(`${world.issuer}/userinfo`, {
    headers: { authorization: `${scheme} ${accessToken}`, dpop: proof, ...more },
  });
}

describe('a token at UserInfo', () => {
  it.each(['dPOP', 'DPOP', 'dpop'])('access-token-type-header-case-sensitivity: %s', async (scheme) => {
    expect((await reads({ scheme })).status).toBe(200);
  });

  it.each<[string, () => object]>([
    ['no jti', () => ({ jti: undefined })],
    ['no htm', () => ({ htm: undefined })],
    ['no htu', () => ({ htu: undefined })],
    ['no iat', () => ({ iat: undefined })],
    ['no ath', () => ({ ath: undefined })],
    ['another ath', () => ({ ath: ath('another') })],
    ['another method', () => ({ htm: 'PUT' })],
    ['another address', () => ({ htu: `${world.issuer}/elsewhere` })],
    ['an hour from now', () => ({ iat: seconds() + 3600 })],
    ['an hour ago', () => ({ iat: seconds() - 3600 })],
  ])('dpop-negative-tests: %s', async (_, claims) => {
    const { status, headers } = await reads({ claims: claims() });
    expect([status, headers['www-authenticate']]).toEqual([401, expect.stringContaining('DPoP')]);
  });

  it.each<[string, () => object]>([
    ['no typ', () => ({ typ: undefined })],
    ['another typ', () => ({ typ: 'JWT' })],
    ['no key', () => ({ jwk: undefined })],
    ['a private key', () => ({ jwk: app.keys.privateKey.export({ format: 'jwk' }) })],
  ])('dpop-negative-tests: %s in the header', async (_, header) => {
    expect((await reads({ header: header() })).status).toBe(401);
  });

  it('dpop-negative-tests: another key, a proof twice, none, and Bearer', async () => {
    expect((await reads({ keys: newKeys() })).status).toBe(401);
    const claims = { jti: 'once' };
    expect([(await reads({ claims })).status, (await reads({ claims })).status]).toEqual([200, 401]);
    for (const asked of [{ more: { dpop: undefined } }, { scheme: 'Bearer', more: { dpop: undefined } }])
      expect([400, 401]).toContain((await reads(asked)).status);
    expect((await reads()).status).toBe(200);
  });

  it.each<[string, () => object]>([
    ['htu with query and fragment', () => ({ htu: `${world.issuer}/userinfo?a=b#c` })],
    ['htu in capitals', () => ({ htu: world.issuer.replace('http', 'HTTP').concat('/userinfo') })],
    ['ten seconds ahead', () => ({ iat: seconds() + 10 })],
    ['ten seconds late', () => ({ iat: seconds() - 10 })],
    ['nbf, exp and what nobody knows', () => ({ nbf: seconds(), exp: seconds() + 300, extra: 1 })],
  ])('is given for a proof with %s', async (_, claims) => {
    expect((await reads({ claims: claims() })).status).toBe(200);
  });
});

describe('a pushed request', () => {
  it('may be visited again before anybody signed in, and not after an answer (5.3.2.2 note 3)', async () => {
    const url = await app.pushes();
    await world.person().goes(url);
    const arrived = await app.visits(world.person(), account, url);
    expect(arrived.searchParams.get('code')).toEqual(expect.any(String));
    const again = await world.person().goes(url);
    expect([again.left, again.errorCode]).toEqual([undefined, 'invalid_request_uri']);
  });

  it('par-ensure-request-uri-is-bound-to-client', async () => {
    const url = new URL(await app.pushes());
    url.searchParams.set('client_id', other.clientId);
    const person = await world.person().goes(url);
    expect([person.left, person.errorCode]).toEqual([undefined, expect.stringMatching(/^invalid_request/)]);
  });

  it('par-reject-request-uri and par-reject-invalid-http-verb', async () => {
    const form = { ...app.assertion(), ...app.params(), request_uri: 'urn:ietf:params:oauth:request_uri:x' };
    const refused = await app.posts('/par', form);
    expect([refused.status, refused.headers['cache-control']]).toEqual([
      400,
      expect.stringMatching(/no-store/),
    ]);
    expect((await send(`${world.issuer}/par`, { method: 'PUT' })).status).toBe(405);
  });
});

describe('a code and a refresh token', () => {
  it('ensure-authorization-code-is-bound-to-client: another is refused, and the app is not harmed', async () => {
    const code = await app.getsCode(account);
    const grant = { redirect_uri: app.redirectUri, code_verifier: app.verifier };
    await other.redeemsBound('none');
    expect((await other.redeemsBound(code, grant)).json['error']).toBe('invalid_grant');
    expect((await app.redeemsBound(code)).status).toBe(200);
  });

  it('refresh-token: with a new key, and the first one goes on; not without authentication or proof', async () => {
    const code = await app.getsCode(account, app.params({ scope: 'openid offline_access' }));
    const { json } = await app.redeemsBound(code);
    const form = { grant_type: 'refresh_token', refresh_token: String(json['refresh_token']) };
    const proof = () => ({ dpop: app.proof('/token', { nonce: app.nonce }, { keys: newKeys() }) });
    for (const again of [1, 2]) {
      const { status, json: fresh } = await app.posts('/token', { ...form, ...app.assertion() }, proof());
      expect([again, status, fresh['token_type']]).toEqual([again, 200, 'DPoP']);
    }
    for (const anonymous of [form, { ...form, client_id: app.clientId }])
      expect([400, 401]).toContain((await app.posts('/token', anonymous, proof())).status);
    const bare = await app.posts('/token', { ...form, ...app.assertion() });
    expect([bare.status, bare.json['error']]).toEqual([400, 'invalid_grant']);
  });
});

describe('an app that asks for a nonce with every request', () => {
  it('fails in nothing by it, and is not sent away (RFC 9449 section 8)', async () => {
    const push = async () => {
      const form = { ...app.params(), ...app.assertion() };
      return (await app.posts('/par', form, { dpop: app.proof('/par') })).json['error'];
    };
    for (let round = 0; round < 12; round += 1) {
      const told = await Promise.all(Array.from({ length: 10 }, push));
      expect([round, new Set(told)]).toEqual([round, new Set(['use_dpop_nonce'])]);
    }
  });
});
