import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { symbols } from 'pino';
import { makeRegistrationToken } from '../../../src/actions/registration-tokens.ts';
import { hours } from '../../../src/kit/durations.ts';
import { openCompatApp } from '../../compat/compat-app.ts';
import { asked as kites, manages, posts } from '../../support/registration.ts';
import { openRelyingParty } from '../../support/relying-party.ts';
import { ask, atDevice, poll, television } from '../../support/televisions.ts';
import { grantType as ciba, till } from '../../support/tills.ts';
import { newAddress, send } from '../../support/wire.ts';
import { openWorld, type World } from '../../support/world.ts';

/** What apps hold beside what logs.test.ts looks for, told to no log, no record and no store (misuse case LG-01). */
let world: World;
const lines: string[] = [];
beforeAll(async () => {
  world = await openWorld({ DYNAMIC_REGISTRATION: 'token' });
  const log = world.services.log as unknown as Record<PropertyKey, unknown>;
  log[symbols.streamSym] = { write: (line: string) => lines.push(line) };
  log['level'] = 'debug';
});
afterAll(() => world.close());

const secrets: Record<string, string> = {};

async function compatSecrets(): Promise<void> {
  const app = await openCompatApp(world, { scope: 'profile' });
  const account = await world.account({ profile: { name: 'Ada Example' } });
  const given = await app.signsIn(world.person(), account);
  // What is within; the rest follows from it.
  secrets['an access token in an address'] = given.access_token.slice(5, 70);
  secrets['a refresh token that stays'] = given.refresh_token.slice(5, 71);
  await app.refreshes(given.refresh_token);
  await app.refreshes(`${given.refresh_token}x`);
  for (const place of [
    '/user/profile',
    '/ap/user/profile',
    '/auth/o2/tokeninfo',
    '/auth/o2/nothing',
    '/ap/oa',
  ])
    for (const token of [
      given.access_token,
      `${given.access_token}%00`,
      `${given.access_token}&access_token=x`,
    ])
      await send(`${world.issuer}${place}?access_token=${token.replace('|', '%7C')}`, {
        headers: {
          referer: `${world.issuer}/?access_token=${given.access_token}`,
          'x-forwarded-for': newAddress(),
        },
      });
}

async function deviceSecrets(): Promise<void> {
  const app = await openRelyingParty(world, television);
  const codes = await ask(app);
  secrets['a device code'] = codes.device_code.slice(-43);
  secrets['a user code'] = codes.user_code.replace('-', '');
  await poll(app, codes);
  await poll(app, { ...codes, device_code: `${codes.device_code}x` });
  await (await atDevice(world, codes, await world.account())).decides('allow');
  world.advance(12_000);
  const tokens = await poll(app, codes);
  secrets['an access token of a device'] = String(tokens.access_token).slice(-40);
  await poll(app, codes);
}

async function cibaSecrets(): Promise<void> {
  const app = await openRelyingParty(world, {
    ...till,
    backchannel_token_delivery_mode: 'ping',
    backchannel_client_notification_endpoint: 'https://till.example.test/told',
  });
  const client_notification_token = 'canary-notification-0123456789abcdef';
  secrets['the token of a ping'] = client_notification_token;
  const { identifier } = await world.account();
  const form = { scope: 'openid', login_hint: identifier, client_notification_token };
  const { json } = await app.posts('backchannel_authentication', form);
  secrets['a request by name'] = String(json['auth_req_id']).slice(-43);
  await app.posts('backchannel_authentication', { ...form, user_code: 'x' });
  await app.posts('token', { grant_type: ciba, auth_req_id: String(json['auth_req_id']) });
}

async function registrationSecrets(): Promise<void> {
  const token = await makeRegistrationToken(world.services, { note: 'x', uses: 3, lifetimeMs: 2 * hours });
  secrets['a token to register with'] = token.text.split('.')[1] ?? '';
  const { json } = await posts(world, kites, { authorization: `Bearer ${token.text}` });
  await posts(world, { redirect_uris: [] }, { authorization: `Bearer ${token.text}` });
  const made = json as Record<string, string>;
  secrets['a management token'] = made['registration_access_token'] ?? '';
  secrets['the secret of an app that came by itself'] = made['client_secret'] ?? '';
  await manages(made, { bearer: `${made['registration_access_token']}x` });
  const members = { ...kites, client_id: made['client_id'], client_secret: made['client_secret'] };
  const { json: changed } = await manages(made, { method: 'PUT', members });
  secrets['the next management token'] = String(changed['registration_access_token']);
}

it('stands in no log line, in no row of the audit record, and in no store as it is', async () => {
  await compatSecrets();
  await deviceSecrets();
  await cibaSecrets();
  await registrationSecrets();
  const audit = JSON.stringify(await world.services.db.selectFrom('audit_events').selectAll().execute());
  const folder = String(world.environment['DATA_DIR']);
  const files = readdirSync(folder).map((name) => readFileSync(path.join(folder, name), 'latin1'));
  expect(lines.length).toBeGreaterThan(10);
  const places = { 'the log': lines.join(''), 'the record': audit, 'the stores': files.join('\n') };
  for (const [name, secret] of Object.entries(secrets)) {
    expect([name, secret.length >= 8]).toEqual([name, true]);
    // A person who signs in on the way takes it along; it is good for minutes, and for nothing without the device code.
    for (const [place, text] of Object.entries(places))
      if (name !== 'a user code' || place !== 'the stores')
        expect([name, place, text.includes(secret)]).toEqual([name, place, false]);
  }
});
