import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { readSettings } from '../../src/settings.ts';
import { openRelyingParty } from '../support/relying-party.ts';
import { send } from '../support/wire.ts';
import { openWorld, type TestAccount, type World } from '../support/world.ts';
import { type CompatApp, openCompatApp } from './compat-app.ts';

/** The look of tokens and ids under another brand: a setting, for the apps of this kind alone. */
let world: World;
let app: CompatApp;
let account: TestAccount;
beforeAll(async () => {
  world = await openWorld({
    COMPAT_ACCESS_TOKEN_PREFIX: 'Acme|',
    COMPAT_REFRESH_TOKEN_PREFIX: 'Acmr|',
    COMPAT_ID_PREFIX: 'acme1.',
    COMPAT_TOKENINFO_ISS: 'https://acme.example.test',
  });
  app = await openCompatApp(world);
  account = await world.account();
});
afterAll(() => world.close());

it('is that of the settings, and what looks so is taken everywhere', async () => {
  const { access_token, refresh_token } = await app.signsIn(world.person(), account);
  expect(access_token).toMatch(/^Acme\|[A-Za-z0-9_-]{345,}$/);
  expect(refresh_token).toMatch(/^Acmr\|[A-Za-z0-9_-]{345,}$/);
  expect(app.clientId).toMatch(/^acme1\.application-oa2-client\.[0-9a-f]{32}$/);
  const { json } = await app.profile(access_token);
  expect(json['user_id']).toMatch(/^acme1\.account\.[A-Z2-7]{28}$/);
  const asked = `${world.issuer}/auth/o2/tokeninfo?access_token=${encodeURIComponent(access_token)}`;
  const told = await send(asked);
  expect(told.json).toMatchObject({
    iss: 'https://acme.example.test',
    app_id: expect.stringMatching(/^acme1\.application\.[0-9a-f]{32}$/),
    user_id: json['user_id'],
  });
  const again = await app.refreshes(refresh_token);
  expect([again.status, again.json['refresh_token']]).toEqual([200, refresh_token]);
  expect(again.json['access_token']).toMatch(/^Acme\|/);
});

it('may change: what was given under another one stays good', async () => {
  const { access_token, refresh_token } = await app.signsIn(world.person(), account);
  const later = await openWorld({ ...world.environment, COMPAT_ACCESS_TOKEN_PREFIX: 'Later|' });
  try {
    const at = `${world.issuer}/user/profile?access_token=${encodeURIComponent(access_token)}`;
    expect((await send(at, { port: later.port })).status).toBe(200);
    const form = { grant_type: 'refresh_token', refresh_token, ...app.own };
    const answer = await send(`${world.issuer}/auth/o2/token`, {
      port: later.port,
      body: new URLSearchParams(form),
    });
    expect([answer.status, answer.json['access_token']]).toEqual([200, expect.stringMatching(/^Later\|/)]);
  } finally {
    await later.close();
  }
});

it('is nothing that other apps have, under any brand', async () => {
  const standard = await openRelyingParty(world);
  const tokens = await standard.signsIn(world.person(), account, { scope: 'openid offline_access' });
  for (const token of [tokens.access_token, tokens.refresh_token]) expect(token).toMatch(/^[\w-]{60,70}$/);
  expect(standard.clientId).not.toMatch(/^(acme1|amzn1)\./);
});

it('is what libraries know where nobody says otherwise, and no prefix breaks a header', () => {
  expect(readSettings({})).toMatchObject({
    COMPAT_ACCESS_TOKEN_PREFIX: 'Atza|',
    COMPAT_REFRESH_TOKEN_PREFIX: 'Atzr|',
    COMPAT_ID_PREFIX: 'amzn1.',
  });
  for (const prefix of ['a b', 'a"', 'a\\', 'é|', 'x'.repeat(33)])
    expect(() => readSettings({ COMPAT_ACCESS_TOKEN_PREFIX: prefix })).toThrow(/COMPAT_ACCESS_TOKEN_PREFIX/);
});
