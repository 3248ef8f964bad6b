import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type CompatApp, openCompatApp } from '../compat/compat-app.ts';
import { type KeepingServers, startKeepingServers } from '../support/keeping-servers.ts';
import type { Person } from '../support/person.ts';
import { manages, posts, registered } from '../support/registration.ts';
import { openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import type { TestServer } from '../support/servers.mjs';
import { ask, atDevice, type Codes, grantType, poll } from '../support/televisions.ts';
import { grantType as ciba } from '../support/tills.ts';
import { untilWorks } from '../support/timing.ts';
import { type Answer, newAddress, send } from '../support/wire.ts';
import { openWorld, type TestAccount, type World } from '../support/world.ts';

/** What server-stores.test.ts has no room for: apps on other devices, that ask by name, or came by themselves (ST-01, ST-07). */
let servers: KeepingServers;
let redis: TestServer;
let postgres: TestServer;
let world: World;
let app: RelyingParty;
let shop: CompatApp;
let shopToken = '';
let codes: Codes;
let asked = '';
let made: Record<string, string>;
let person: Person;
let account: TestAccount;

beforeAll(async () => {
  servers = await startKeepingServers();
  ({ redis, postgres } = servers);
  world = await openWorld({ ...servers.environment, DYNAMIC_REGISTRATION: 'open' });
  account = await world.account();
  app = await openRelyingParty(world, {
    grant_types: [grantType, ciba, 'client_credentials'],
    redirect_uris: [],
    response_types: [],
    first_party: true,
    backchannel_token_delivery_mode: 'poll',
  });
  shop = await openCompatApp(world);
  shopToken = (await shop.signsIn(world.person(), account)).access_token;
  made = await registered(world);
  codes = await ask(app, { scope: 'openid' });
  const { json } = await app.posts('backchannel_authentication', {
    scope: 'openid',
    login_hint: account.identifier,
  });
  asked = String(json['auth_req_id']);
  person = await atDevice(world, codes, account);
});
afterAll(async () => {
  await world?.close();
  await servers?.stop();
});

/** Each asks for something that the store that is gone is needed for. */
const requests: Record<string, { ask(): Promise<Answer>; needs: 'live' | 'records' | 'either' }> = {
  'a device': { needs: 'live', ask: () => app.posts('device_authorization', { scope: 'openid' }) },
  'a device that waits': {
    needs: 'live',
    ask: () => app.posts('token', { grant_type: grantType, device_code: codes.device_code }),
  },
  'a request by name': {
    needs: 'either',
    ask: () => app.posts('backchannel_authentication', { scope: 'openid', login_hint: account.identifier }),
  },
  'a request by name that waits': {
    needs: 'live',
    ask: () => app.posts('token', { grant_type: ciba, auth_req_id: asked }),
  },
  'token information': {
    needs: 'live',
    ask: () =>
      send(`${world.issuer}/auth/o2/tokeninfo`, { headers: { authorization: `Bearer ${shopToken}` } }),
  },
  'an app that comes': { needs: 'either', ask: () => posts(world, { redirect_uris: ['https://a.test/cb'] }) },
  'an app that looks after itself': { needs: 'records', ask: () => manages(made) },
  'an app that says itself anew': {
    needs: 'records',
    ask: () =>
      manages(made, {
        method: 'PUT',
        members: { client_id: made['client_id'], redirect_uris: ['https://a.test/cb'] },
      }),
  },
  'an app that goes': { needs: 'records', ask: () => manages(made, { method: 'DELETE' }) },
  'a code that is typed': {
    needs: 'either',
    ask: () =>
      send(`${world.issuer}/device`, {
        method: 'POST',
        body: new URLSearchParams({ user_code: codes.user_code }),
        headers: {
          cookie: person.cookieHeader(`${world.issuer}/device`),
          accept: 'text/html',
          'sec-fetch-site': 'same-origin',
          'x-forwarded-for': newAddress(),
        },
      }),
  },
  'a code that is allowed': {
    needs: 'either',
    ask: () =>
      send(`${world.issuer}/device/decision`, {
        method: 'POST',
        body: new URLSearchParams({ user_code: codes.user_code, decision: 'allow' }),
        headers: {
          cookie: person.cookieHeader(`${world.issuer}/device`),
          accept: 'text/html',
          'sec-fetch-site': 'same-origin',
          'x-forwarded-for': newAddress(),
        },
      }),
  },
};

it.each([
  ['Redis', 'live', () => redis],
  ['PostgreSQL', 'records', () => postgres],
] as const)(
  'asks everybody to come again while %s is gone, and nothing is spent by it',
  async (_, store, server) => {
    await server().kill();
    try {
      for (const [what, request] of Object.entries(requests)) {
        if (request.needs !== store && request.needs !== 'either') continue;
        const { status, headers, json, text } = await request.ask();
        expect([what, status, text.slice(0, 200)]).toEqual([what, 503, expect.any(String)]);
        expect([what, Number(headers['retry-after']) > 0, headers['cache-control']]).toEqual([
          what,
          true,
          'no-store',
        ]);
        if (headers['content-type']?.startsWith('application/json'))
          expect([what, json['error']]).toEqual([what, 'temporarily_unavailable']);
      }
    } finally {
      await server().restart();
    }
    await untilWorks(5000, async () => {
      if ((await send(`${world.issuer}/readyz`)).status !== 200) throw new Error('not yet');
    });
    await untilWorks(5000, async () => expect((await manages(made)).status).toBe(200));
  },
);

it('gives the device its tokens after all', async () => {
  await person.decides('allow');
  expect(person.heading).toBe('You can go back to your device');
  world.advance(20_000);
  expect((await poll(app, codes)).status).toBe(200);
});
