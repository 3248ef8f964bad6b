import { createHash, generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as client from 'openid-client';
import { minutes, seconds } from '../../src/kit/durations.ts';
import { signJwt } from '../support/assertion.ts';
import { arrivalOf, openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { openSigningApp } from '../support/signing-app.ts';
import { type Answer, send } from '../support/wire.ts';
import { openWorld, type TestAccount, type World } from '../support/world.ts';

/** Tokens bound to a key of the app (RFC 9449; misuse case TK-17). */
let world: World;
let app: RelyingParty;
let account: TestAccount;
const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const otherKeys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
let bound: string;
beforeAll(async () => {
  world = await openWorld();
  app = await openRelyingParty(world);
  account = await world.account();
  const { code, attempt } = await app.getsCode(world.person(), account, { scope: 'openid email' });
  const headers = { ...app.basic(), dpop: proof({ htm: 'POST', htu: app.endpoint('token') }) };
  const { json } = await app.posts(
    'token',
    {
      grant_type: 'authorization_code',
      code,
      redirect_uri: app.redirectUri,
      code_verifier: attempt.verifier,
    },
    headers,
  );
  expect(json['token_type']).toBe('DPoP');
  bound = String(json['access_token']);
});
afterAll(() => world.close());

type Pair = { publicKey: KeyObject; privateKey: KeyObject };

function proof(claims: object, header: object = {}, pair: Pair = keys): string {
  const jwk = pair.publicKey.export({ format: 'jwk' });
  const iat = Math.floor(Date.now() / 1000);
  return signJwt(
    { typ: 'dpop+jwt', alg: 'ES256', jwk, ...header },
    { jti: randomUUID(), iat, ...claims },
    pair.privateKey,
  );
}

const hashOf = (token: string) => createHash('sha256').update(token).digest('base64url');
const forUserinfo = (claims: object = {}, header: object = {}, pair: Pair = keys) =>
  proof({ htm: 'GET', htu: app.endpoint('userinfo'), ath: hashOf(bound), ...claims }, header, pair);

function userinfo(dpop: string | string[] | undefined, scheme = 'DPoP'): Promise<Answer> {
  return send(app.endpoint('userinfo'), { headers: { authorization: `${scheme} ${bound}`, dpop } });
}

describe('a token that is bound to a key', () => {
  it('is good with a proof of that key', async () => {
    expect((await userinfo(forUserinfo())).json).toMatchObject({ email: account.identifier });
  });

  it('is good with a clock ten seconds apart', async () => {
    for (const apart of [-10, 10]) {
      const iat = Math.floor(Date.now() / 1000) + apart;
      expect([apart, (await userinfo(forUserinfo({ iat }))).status]).toEqual([apart, 200]);
    }
  });

  const { host, port } = { host: () => new URL(world.issuer).host, port: () => new URL(world.issuer).port };
  it.each<[string, () => string]>([
    ['its host in capitals', () => `HTTP://${host().toUpperCase()}/userinfo`],
    ['a query and a fragment, which do not count', () => `${app.endpoint('userinfo')}?a=b#c`],
    ['dot segments, which mean nothing', () => `${world.issuer}/a/./../userinfo`],
  ])('is good with a proof whose address is written with %s (RFC 9449 section 4.3)', async (_, htu) => {
    expect((await userinfo(forUserinfo({ htu: htu() }))).status).toBe(200);
  });

  it.each<[string, () => unknown]>([
    ['a slash at its end', () => `${world.issuer}/userinfo/`],
    ['capitals in its path', () => `${world.issuer}/UserInfo`],
    ['another port', () => 'http://localhost:1/userinfo'],
    ['no port', () => 'http://localhost/userinfo'],
    ['another scheme', () => `https://${host()}/userinfo`],
    ['another name of the host', () => `http://127.0.0.1:${port()}/userinfo`],
    ['a host that begins like ours', () => `http://localhost.evil.test:${port()}/userinfo`],
    ['a user', () => `http://a:b@${host()}/userinfo`],
    ['no address', () => '/userinfo'],
    ['a list', () => [`${world.issuer}/userinfo`]],
  ])('is refused with a proof whose address has %s', async (_, htu) => {
    const { status, headers } = await userinfo(forUserinfo({ htu: htu() }));
    expect([status, headers['www-authenticate']]).toEqual([401, expect.stringContaining('htu')]);
  });

  it('is for the address of the endpoint, however it was called', async () => {
    for (const path of ['/userinfo/', '/UserInfo']) {
      const headers = { authorization: `DPoP ${bound}`, dpop: forUserinfo() };
      expect((await send(`${world.issuer}${path}`, { headers })).status).toBe(200);
    }
  });

  const now = () => Math.floor(Date.now() / 1000);
  const jwk = (pair: Pair) => pair.privateKey.export({ format: 'jwk' });
  it.each<[string, () => string]>([
    ['for another method', () => forUserinfo({ htm: 'POST' })],
    ['for another host', () => forUserinfo({ htu: 'http://evil.test/userinfo' })],
    ['for another path', () => forUserinfo({ htu: app.endpoint('token') })],
    ['for the path in capitals', () => forUserinfo({ htu: `${world.issuer}/USERINFO` })],
    ['six minutes old', () => forUserinfo({ iat: now() - (6 * minutes) / seconds })],
    ['six minutes early', () => forUserinfo({ iat: now() + (6 * minutes) / seconds })],
    ['without a time', () => forUserinfo({ iat: undefined })],
    ['without an id', () => forUserinfo({ jti: undefined })],
    ['for another token', () => forUserinfo({ ath: hashOf('another') })],
    ['for no token', () => forUserinfo({ ath: undefined })],
    ['without a signature', () => forUserinfo({}, { alg: 'none' })],
    ['with a symmetric algorithm', () => forUserinfo({}, { alg: 'HS256' })],
    ['that shows the private key', () => forUserinfo({}, { jwk: jwk(keys) })],
    ['of another type', () => forUserinfo({}, { typ: 'jwt' })],
    ['of another key', () => forUserinfo({}, {}, otherKeys)],
    [
      'signed by another key than it shows',
      () => forUserinfo({}, { jwk: keys.publicKey.export({ format: 'jwk' }) }, otherKeys),
    ],
    ['that is no proof', () => 'a.b.c'],
    ['with an id that is no text', () => forUserinfo({ jti: 5 })],
    ['with a nonce that is no text', () => forUserinfo({ nonce: 5 })],
    ['with a nonce that somebody made up', () => forUserinfo({ nonce: 'made-up' })],
    ['for a method in small letters', () => forUserinfo({ htm: 'get' })],
    ['twice in one header', () => `${forUserinfo()}, ${forUserinfo()}`],
  ])('is refused with a proof %s', async (_, make) => {
    const { status, headers } = await userinfo(make());
    expect(status).toBe(401);
    expect(headers['www-authenticate']).toMatch(/DPoP/);
  });

  it('is refused with the same proof twice, also when both come at once', async () => {
    const same = forUserinfo();
    const answers = await Promise.all(Array.from({ length: 10 }, () => userinfo(same)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect((await userinfo(same)).status).toBe(401);
  });

  it('is refused as a plain Bearer token, without a proof, and with two', async () => {
    expect((await userinfo(undefined, 'Bearer')).status).toBe(401);
    expect([400, 401]).toContain((await userinfo(undefined)).status);
    expect([400, 401]).toContain((await userinfo([forUserinfo(), forUserinfo()])).status);
  });

  it('is refused in a form, where no proof belongs', async () => {
    const dpop = proof({ htm: 'POST', htu: app.endpoint('userinfo'), ath: hashOf(bound) });
    const body = new URLSearchParams({ access_token: bound });
    expect((await send(app.endpoint('userinfo'), { headers: { dpop }, body })).status).toBe(400);
  });

  it('says so when it is introspected', async () => {
    expect(await app.introspects(bound)).toMatchObject({
      active: true,
      token_type: 'DPoP',
      cnf: { jkt: expect.any(String) },
    });
  });
});

describe('an app that must bind its tokens', () => {
  it('gets none without a proof', async () => {
    const strict = await openRelyingParty(world, { dpop_bound_access_tokens: true });
    const { code, attempt } = await strict.getsCode(world.person(), account);
    expect((await strict.redeems(code, attempt)).json['access_token']).toBeUndefined();
  });
});

describe('a proof for an endpoint with two names', () => {
  it('is for the one that was called, with or without the port that goes without saying', async () => {
    const [issuer, alias] = ['https://op.example.test', 'https://mtls.op.example.test'];
    const https = await openWorld({
      ISSUER: issuer,
      MTLS_HEADER: 'client-cert',
      MTLS_ORIGIN: alias,
      SMTP_URL: 'smtp://127.0.0.1:9',
      COOKIE_KEYS: 'k'.repeat(43),
    });
    const machine = await openSigningApp(https, {
      redirect_uris: [],
      response_types: [],
      grant_types: ['client_credentials'],
    });
    const asks = async (at: string, htu: string) => {
      const form = { grant_type: 'client_credentials', ...machine.assertion() };
      const headers = { dpop: machine.proof('/token', { htu }) };
      const { json } = await send(`${at}/token`, {
        port: https.port,
        body: new URLSearchParams(form),
        headers,
      });
      return json['token_type'] ?? json['error'];
    };
    for (const [at, other] of [
      [issuer, alias],
      [alias, issuer],
    ] as const) {
      expect([at, await asks(at, `${at}/token`)]).toEqual([at, 'DPoP']);
      expect([at, await asks(at, `${at.toUpperCase()}:443/token`)]).toEqual([at, 'DPoP']);
      expect([at, await asks(at, `${other}/token`)]).toEqual([at, 'invalid_dpop_proof']);
      expect([at, await asks(at, `${at}:8443/token`)]).toEqual([at, 'invalid_dpop_proof']);
    }
    await https.close();
  });
});

describe('openid-client with DPoP', () => {
  it('signs in, reads claims and refreshes', async () => {
    const native = await openRelyingParty(world, { token_endpoint_auth_method: 'none' });
    const DPoP = client.getDPoPHandle(native.config, await client.randomDPoPKeyPair());
    const person = world.person();
    const attempt = native.asks({ scope: 'openid email offline_access' });
    await person.goes(attempt.url);
    await person.signsIn(account);
    await person.decides('allow');
    const checks = {
      pkceCodeVerifier: attempt.verifier,
      expectedState: attempt.state,
      expectedNonce: attempt.nonce,
    };
    const tokens = await client.authorizationCodeGrant(native.config, arrivalOf(person), checks, undefined, {
      DPoP,
    });
    expect(tokens.token_type).toBe('dpop');
    const claims = await client.fetchUserInfo(native.config, tokens.access_token, account.accountId, {
      DPoP,
    });
    expect(claims.email).toBe(account.identifier);
    const again = await client.refreshTokenGrant(native.config, String(tokens.refresh_token), undefined, {
      DPoP,
    });
    expect(again.token_type).toBe('dpop');
    // A public app's refresh token is bound as well (RFC 9449 section 5): a thief without the key has nothing.
    const thief = client.getDPoPHandle(native.config, await client.randomDPoPKeyPair());
    const stolen = client.refreshTokenGrant(native.config, String(again.refresh_token), undefined, {
      DPoP: thief,
    });
    await expect(stolen).rejects.toMatchObject({ error: 'invalid_grant' });
  });
});
