import { createHash, generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { registerApi } from '../../src/actions/register-api.ts';
import { signJwt } from '../support/assertion.ts';
import type { Person } from '../support/person.ts';
import { openWorld, type TestAccount, type World } from '../support/world.ts';
import { type CompatApp, openCompatApp } from './compat-app.ts';

/** An app of this kind that uses the standard's endpoints too: what it got there is not redeemed here for less proof (TK-13). */
const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code';
const path = '/auth/o2/token';
const verifier = 'v'.repeat(43);
const challenge = createHash('sha256').update(verifier).digest('base64url');

const seconds = () => Math.floor(Date.now() / 1000);
let world: World;
let app: CompatApp;
let person: Person;
let account: TestAccount;
beforeAll(async () => {
  world = await openWorld();
  app = await openCompatApp(world, {
    grant_types: ['authorization_code', 'refresh_token', deviceGrant],
    response_types: ['code'],
  });
  account = await world.account({ profile: { name: 'Ada Example' } });
  person = world.person();
});
afterAll(() => world.close());

describe('what the standard’s endpoints gave to an app with a secret', () => {
  it('is a code that is not redeemed without it, for all its verifier, and is not spent by the try', async () => {
    const asks = new URLSearchParams({
      client_id: app.clientId,
      response_type: 'code',
      redirect_uri: app.redirectUri,
      scope: 'openid email',
      code_challenge: challenge,
      code_challenge_method: 'S256',
    });
    await person.goes(`${world.issuer}/authorize?${asks}`);
    await person.submits({ identifier: account.identifier, password: account.password });
    await person.decides('allow', { scope: ['email'] });
    const code = String(person.left?.searchParams.get('code'));
    const form = { grant_type: 'authorization_code', code, redirect_uri: app.redirectUri };
    const bare = { ...form, client_id: app.clientId, code_verifier: verifier };
    expect((await app.posts(path, bare)).json).toMatchObject({ error: 'invalid_client' });
    const proved = await app.posts(path, { ...bare, ...app.own });
    expect([proved.status, proved.json['token_type']]).toEqual([200, 'bearer']);
  });

  it('is a token that is bound to a key, or for an API, and nothing here without either (TK-17, TK-23)', async () => {
    const identifier = 'https://shop-api.example.test';
    await registerApi(world.services, {
      identifier,
      name: 'Shop',
      scopes: [{ name: 'shop:read', title: 'See the shop' }],
      open_to_all: true,
      token_format: 'opaque',
    });
    const asks = new URLSearchParams({
      client_id: app.clientId,
      response_type: 'code',
      redirect_uri: app.redirectUri,
      scope: 'openid shop:read offline_access',
      resource: identifier,
    });
    await person.goes(`${world.issuer}/authorize?${asks}`);
    await person.decides('allow');
    const code = String(person.left?.searchParams.get('code'));
    const basic = { authorization: app.basic };
    const form = { grant_type: 'authorization_code', code, redirect_uri: app.redirectUri };
    const forApi = await app.posts('/token', { ...form, resource: identifier }, basic);
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const jwk = publicKey.export({ format: 'jwk' });
    const claims = { htm: 'POST', htu: `${world.issuer}/token`, jti: 'x'.repeat(20), iat: seconds() };
    const dpop = signJwt({ typ: 'dpop+jwt', alg: 'ES256', jwk }, claims, privateKey);
    const refresh = { grant_type: 'refresh_token', refresh_token: String(forApi.json['refresh_token']) };
    const bound = await app.posts('/token', refresh, { ...basic, dpop });
    expect([forApi.status, bound.status, bound.json['token_type']]).toEqual([200, 200, 'DPoP']);
    for (const { json } of [forApi, bound])
      for (const at of ['/user/profile', '/ap/user/profile', '/auth/o2/tokeninfo'])
        expect((await app.profile(String(json['access_token']), at)).json).toMatchObject({
          error: 'invalid_token',
        });
  });

  it('is a device code that is not redeemed without it (DF-07)', async () => {
    const asked = await app.posts('/device/authorize', { ...app.own, scope: 'openid' });
    const { device_code, user_code } = asked.json as Record<string, string>;
    await person.goes(`${world.issuer}/device`);
    await person.submits({ user_code: String(user_code) });
    await person.decides('allow');
    const pair = { grant_type: 'device_code', device_code, user_code };
    for (const who of [{}, { client_id: app.clientId }])
      expect((await app.posts(path, { ...pair, ...who })).json).toMatchObject({ error: 'invalid_client' });
    expect(await app.posts(path, { ...pair, ...app.own })).toMatchObject({ status: 200 });
  });
});
