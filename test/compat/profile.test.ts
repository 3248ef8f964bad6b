import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { disableClient } from '../../src/actions/disable-client.ts';
import { suspendAccount } from '../../src/actions/suspend-account.ts';
import { withdrawConsent } from '../../src/actions/withdraw-consent.ts';
import { minutes } from '../../src/kit/durations.ts';
import { openRelyingParty } from '../support/relying-party.ts';
import { send } from '../support/wire.ts';
import { openWorld, type TestAccount, type World } from '../support/world.ts';
import { type CompatApp, openCompatApp } from './compat-app.ts';

let world: World;
let app: CompatApp;
let account: TestAccount;
let token: string;
let refreshToken: string;
const from = { ip: '192.0.2.1', userAgent: 'a test', requestId: 'x' };
beforeAll(async () => {
  world = await openWorld();
  app = await openCompatApp(world, { company: 'Shop Ltd' });
  account = await world.account({
    email: 'ada@example.com',
    profile: {
      name: 'Ada Example',
      birthdate: '1815-12-10',
      address: { postal_code: '98052', country: 'US' },
    },
  });
  const tokens = await app.signsIn(world.person(), account, { scope: 'profile postal_code' });
  token = tokens.access_token;
  refreshToken = tokens.refresh_token;
});
afterAll(() => world.close());

const get = (path: string, headers: Record<string, string> = {}) =>
  send(`${world.issuer}${path}`, { headers });
const userId = /^amzn1\.account\.[A-Z2-7]{28}$/;

describe('the profile', () => {
  const whole = {
    user_id: expect.stringMatching(userId),
    name: 'Ada Example',
    email: 'ada@example.com',
    postal_code: '98052',
  };

  it.each([
    ['the query', () => get(`/user/profile?access_token=${encodeURIComponent(token)}&fields=email,name`)],
    ['the query, with a bare bar', () => get(`/user/profile?access_token=${token}`)],
    ['the header', () => get('/user/profile', { authorization: `Bearer ${token}` })],
    ['the header in small letters', () => get('/user/profile', { authorization: `bearer ${token}` })],
    [
      'the header, with the bar encoded',
      () => get('/user/profile', { authorization: `Bearer ${token.replace('|', '%7C')}` }),
    ],
    ['a header of its own', () => get('/user/profile', { 'x-amz-access-token': token })],
  ])('is given for a token in %s', async (_place, ask) => {
    const { status, headers, json } = await ask();
    expect([status, json]).toEqual([200, whole]);
    expect(headers['content-type']).toBe('application/json;charset=UTF-8');
  });

  it('has another form on the host of the pages', async () => {
    const { json } = await get(`/ap/user/profile?access_token=${encodeURIComponent(token)}`);
    expect(json).toEqual({
      'Request-Id': expect.any(String),
      Profile: {
        CustomerId: expect.stringMatching(userId),
        Name: 'Ada Example',
        PrimaryEmail: 'ada@example.com',
        PostalCode: '98052',
      },
    });
  });

  it('has what the scopes say and no more, and no e-mail address that was not proved', async () => {
    const quiet = await app.signsIn(world.person(), await world.account(), { scope: 'profile:user_id' });
    expect(Object.keys((await app.profile(quiet.access_token)).json)).toEqual(['user_id']);
    const fresh = await world.account({ verified: false });
    const unproved = await app.signsIn(world.person(), fresh);
    expect(Object.keys((await app.profile(unproved.access_token)).json)).toEqual(['user_id', 'name']);
  });

  it.each([
    ['no token', () => get('/user/profile'), 'invalid_request'],
    ['a made-up token', () => get('/user/profile?access_token=Atza%7Cabc'), 'invalid_token'],
    ['a refresh token', () => get(`/user/profile?access_token=${refreshToken}`), 'invalid_token'],
    [
      'another filler',
      () => get(`/user/profile?access_token=${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`),
      'invalid_token',
    ],
    [
      'two tokens that differ',
      () => get('/user/profile?access_token=x', { authorization: `Bearer ${token}` }),
      'invalid_request',
    ],
    [
      'the parameter twice',
      () => get(`/user/profile?access_token=${token}&access_token=${token}`),
      'invalid_request',
    ],
  ])('is refused for %s', async (_what, ask, error) => {
    const { status, json } = await ask();
    expect([status, json['error'], Object.keys(json).sort()]).toEqual([
      400,
      error,
      ['error', 'error_description', 'request_id'],
    ]);
  });
});

describe('the user id', () => {
  it('is one for the apps of a company and another for each other company, and not the standard sub', async () => {
    const [sister, stranger] = [
      await openCompatApp(world, { company: 'Shop Ltd', redirect_uris: ['https://sister.test/cb'] }),
      await openCompatApp(world, { company: 'Other Ltd' }),
    ];
    const idAt = async (one: CompatApp) => {
      const more = { redirect_uri: one === sister ? 'https://sister.test/cb' : app.redirectUri };
      const code = await one.getsCode(world.person(), account, more);
      const body = { grant_type: 'authorization_code', code, ...one.own };
      const { json } = await one.posts('/auth/o2/token', body);
      return (await one.profile(String(json['access_token']))).json['user_id'];
    };
    const own = (await app.profile(token)).json['user_id'];
    expect(await idAt(sister)).toBe(own);
    expect(await idAt(stranger)).not.toBe(own);
    expect(String(own)).not.toContain(account.accountId);
  });
});

describe('token information', () => {
  it('says whose the token is and how many seconds are left', async () => {
    const { access_token } = (await app.refreshes(refreshToken)).json;
    world.advance(10 * minutes);
    for (const ask of [
      () => get(`/auth/o2/tokeninfo?access_token=${encodeURIComponent(String(access_token))}`),
      () => get('/auth/O2/tokeninfo', { 'x-amz-access-token': String(access_token) }),
    ]) {
      const { status, json } = await ask();
      expect([status, Object.keys(json)]).toEqual([200, ['iss', 'user_id', 'aud', 'app_id', 'exp', 'iat']]);
      expect(json).toMatchObject({ iss: 'https://www.amazon.com', aud: app.clientId });
      expect(json['app_id']).toMatch(/^amzn1\.application\.[0-9a-f]{32}$/);
      expect(json['exp']).toBeGreaterThan(2900);
      expect(json['exp']).toBeLessThanOrEqual(3000);
      expect(Math.abs(Number(json['iat']) - Date.now() / 1000 + 600)).toBeLessThan(20);
    }
    const { status, json } = await get('/auth/o2/tokeninfo?access_token=Atza%7Cnonsense');
    expect([status, json['error'], json['error_description']]).toEqual([
      400,
      'invalid_token',
      'The request has an invalid parameter : access_token',
    ]);
  });
});

describe('scripts of other sites', () => {
  it.each(['/user/profile', '/auth/o2/token', '/auth/o2/create/codepair', '/auth/O2/tokeninfo'])(
    'may ask %s, whoever they are',
    async (path) => {
      const asked = {
        origin: 'https://shop.example.test',
        'access-control-request-method': 'GET',
        'access-control-request-headers': 'authorization',
      };
      const { status, headers } = await send(`${world.issuer}${path}`, { method: 'OPTIONS', headers: asked });
      expect([status, headers['access-control-allow-origin']]).toEqual([204, '*']);
      expect(headers['access-control-allow-headers']).toContain('authorization');
      expect(headers['access-control-allow-credentials']).toBeUndefined();
    },
  );

  it('can read the answer', async () => {
    const { headers } = await get('/user/profile', {
      authorization: `bearer ${token}`,
      origin: 'https://a.test',
    });
    expect(headers['access-control-allow-origin']).toBe('*');
  });
});

describe('at the standard endpoints', () => {
  it('these tokens are introspected and revoked like any, by their own app', async () => {
    const basic = { authorization: app.basic };
    const { access_token } = (await app.refreshes(refreshToken)).json;
    const told = await app.posts('/introspect', { token: String(access_token) }, basic);
    expect(told.json).toMatchObject({ active: true, client_id: app.clientId });
    expect((await app.posts('/introspect', { token: refreshToken }, basic)).json).toMatchObject({
      active: true,
    });
    const stranger = await openRelyingParty(world);
    expect(await stranger.introspects(String(access_token))).toEqual({ active: false });
    expect((await app.posts('/revoke', { token: String(access_token) }, basic)).status).toBe(200);
    expect((await app.profile(String(access_token))).status).toBe(400);
    const kept = await app.posts(
      '/token',
      { grant_type: 'refresh_token', refresh_token: refreshToken },
      basic,
    );
    expect([kept.status, kept.json['refresh_token']]).toEqual([200, refreshToken]);
  });

  it('tell nothing that the person did not allow there', async () => {
    const { status, text } = await get('/userinfo', { authorization: `Bearer ${token}` });
    expect(status).toBeGreaterThanOrEqual(400);
    expect(text).not.toContain('1815');
  });

  it('give ordinary apps ordinary tokens, which are nothing here', async () => {
    const standard = await openRelyingParty(world);
    const tokens = await standard.signsIn(world.person(), await world.account());
    expect(tokens.access_token).toMatch(/^[\w-]{65}$/);
    expect((await app.profile(tokens.access_token)).json).toMatchObject({ error: 'invalid_token' });
    const { json } = await app.posts('/auth/o2/token', {
      grant_type: 'refresh_token',
      refresh_token: 'x',
      client_id: standard.clientId,
      client_secret: String(standard.clientSecret),
    });
    expect(json).toMatchObject({ error: 'invalid_client' });
  });
});

describe('what ends access', () => {
  const dead = async (one: CompatApp, tokens: { access_token: string; refresh_token: string }) => {
    expect((await one.profile(tokens.access_token)).json).toMatchObject({ error: 'invalid_token' });
    expect([400, 401]).toContain((await one.refreshes(tokens.refresh_token)).status);
  };

  it('is the person, in their account (CO-11)', async () => {
    const person = world.person();
    const someone = await world.account();
    const tokens = await app.signsIn(person, someone);
    await withdrawConsent(
      world.services,
      { accountId: someone.accountId, clientId: app.clientId, locale: 'en' },
      from,
    );
    await dead(app, tokens);
    await person.goes(app.asks());
    expect(person.heading).toContain('Paperplane Shop');
  });

  it('is the operator: a suspended account, a disabled app', async () => {
    const someone = await world.account();
    const tokens = await app.signsIn(world.person(), someone);
    await suspendAccount(world.services, { accountId: someone.accountId, reason: 'a test' });
    await dead(app, tokens);
    const other = await openCompatApp(world);
    const others = await other.signsIn(world.person(), await world.account());
    await disableClient(world.services, { clientId: other.clientId, reason: 'a test' });
    await dead(other, others);
  });

  it('is not the end of the session', async () => {
    const person = world.person();
    const tokens = await app.signsIn(person, await world.account());
    await person.goes(`${world.issuer}/account`);
    await person.presses('Sign out');
    expect((await app.refreshes(tokens.refresh_token, {})).status).toBe(200);
  });
});
