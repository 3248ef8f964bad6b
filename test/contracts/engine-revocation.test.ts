import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { changeClient } from '../../src/actions/change-client.ts';
import { disableClient } from '../../src/actions/disable-client.ts';
import { endAccountSessions } from '../../src/actions/end-account-sessions.ts';
import { cutOffOthers } from '../../src/actions/end-other-sessions.ts';
import { endSession } from '../../src/actions/end-session.ts';
import { lockAccount } from '../../src/actions/lock-account.ts';
import { removeAccount } from '../../src/actions/remove-account.ts';
import { removeClient } from '../../src/actions/remove-client.ts';
import { suspendAccount } from '../../src/actions/suspend-account.ts';
import { withdrawConsent } from '../../src/actions/withdraw-consent.ts';
import { listSessions } from '../../src/oidc/sessions.ts';
import type { OpenServices } from '../../src/services.ts';
import type { Person } from '../support/person.ts';
import { openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import * as televisions from '../support/televisions.ts';
import * as tills from '../support/tills.ts';
import { untilWorks } from '../support/timing.ts';
import { pairKinds, type TwoWorlds } from '../support/two-worlds.ts';
import { newAddress, send } from '../support/wire.ts';

/**
 * Everything an ending is to end, asked of another server the moment it is done (ASVS 8.3.2; engine facts 6 to 8). That server
 * made all of it and used all of it just before, so whatever it may have kept in memory is there.
 */
type OfGrant = 'code' | 'access' | 'bound' | 'refresh' | 'device' | 'ciba';
type Thing = OfGrant | 'machine' | 'pushed' | 'session' | 'interaction';
type Who = { accountId: string; clientId: string };
type Ending = { ends: Thing[]; by(services: OpenServices, who: Who): Promise<unknown> };

const everyKind = {
  grant_types: [
    ...['authorization_code', 'refresh_token', 'client_credentials'],
    ...[televisions.grantType, tills.grantType],
  ],
  backchannel_token_delivery_mode: 'poll',
};
const reason = 'a test';
// Of the last two: allowed on another device, and not fetched yet.
const ofGrants: Thing[] = ['code', 'access', 'bound', 'refresh', 'device', 'ciba'];
const ofAccount: Thing[] = [...ofGrants, 'session', 'interaction'];
const ofApp: Thing[] = [...ofGrants, 'machine', 'pushed', 'interaction'];

async function sessionOf(services: OpenServices, { accountId }: Who): Promise<string> {
  return String((await listSessions(services, accountId))[0]?.uid);
}

const endings: [string, Ending][] = [
  ['the person removes the app', { ends: ofGrants, by: (services, who) => withdrawConsent(services, who) }],
  [
    'the person removes the app, which may not refresh any more',
    {
      ends: ofGrants,
      async by(services, { accountId, clientId }) {
        await changeClient(services, {
          clientId,
          changes: { grant_types: ['authorization_code', 'client_credentials'] },
        });
        await withdrawConsent(services, { accountId, clientId });
        await changeClient(services, { clientId, changes: everyKind });
      },
    },
  ],
  [
    'the app is disabled',
    { ends: ofApp, by: (services, { clientId }) => disableClient(services, { clientId, reason }) },
  ],
  [
    'the app is removed',
    { ends: ofApp, by: (services, { clientId }) => removeClient(services, { clientId }) },
  ],
  [
    'the account is suspended',
    { ends: ofAccount, by: (services, { accountId }) => suspendAccount(services, { accountId, reason }) },
  ],
  [
    'the account is locked',
    { ends: ofAccount, by: (services, { accountId }) => lockAccount(services, { accountId, reason }) },
  ],
  [
    'the account is removed',
    { ends: ofAccount, by: (services, { accountId }) => removeAccount(services, { accountId, reason }) },
  ],
  [
    'the password changes elsewhere',
    {
      ends: ofAccount,
      by: (services, { accountId }) => cutOffOthers(services, { accountId, except: 'another' }),
    },
  ],
  [
    'all sessions are ended',
    { ends: ofAccount, by: (services, { accountId }) => endAccountSessions(services, { accountId }) },
  ],
  [
    'the session is ended',
    {
      ends: ['bound', 'session', 'interaction'],
      by: async (services, who) =>
        endSession(services, { accountId: who.accountId, uid: await sessionOf(services, who) }),
    },
  ],
];

describe.each(pairKinds)('on $name', ({ open }) => {
  let pair: TwoWorlds;
  let server: RelyingParty;
  let ours: RelyingParty;
  beforeAll(async () => {
    pair = await open();
    server = await openRelyingParty(pair.world, {
      redirect_uris: [],
      post_logout_redirect_uris: [],
      resource_server: '*',
    });
    ours = await openRelyingParty(pair.world, { first_party: true });
  });
  afterAll(() => pair?.close());

  const ask = (endpoint: string, form: Record<string, string>, by: RelyingParty) =>
    send(by.endpoint(endpoint), {
      headers: { ...by.basic(), 'x-forwarded-for': newAddress() },
      body: new URLSearchParams(form),
      port: pair.beside.port,
    });

  /** Everything, made and used on the other server: what it is, and whether it is good. */
  async function everything() {
    const { world, beside } = pair;
    const app = await openRelyingParty(world, everyKind);
    const account = await world.account();
    const person = beside.person();
    const exchange = (code: string, verifier: string) =>
      ask(
        'token',
        { grant_type: 'authorization_code', code, redirect_uri: app.redirectUri, code_verifier: verifier },
        app,
      );
    const tokensOf = async (scope: string) => {
      const { code, attempt } = await app.getsCode(person, account, { scope });
      return (await exchange(code, attempt.verifier)).json;
    };
    const lasting = await tokensOf('openid offline_access');
    const refreshed = (
      await ask(
        'token',
        { grant_type: 'refresh_token', refresh_token: String(lasting['refresh_token']) },
        app,
      )
    ).json;
    const { access_token: bound } = await tokensOf('openid');
    const { access_token: machine } = (await ask('token', { grant_type: 'client_credentials' }, app)).json;
    const { code, attempt } = await app.getsCode(person, account, { scope: 'openid offline_access' });
    const pushed = (
      await ask('pushed_authorization_request', Object.fromEntries(app.asks().url.searchParams), app)
    ).json;
    const { device_code } = await allowed(televisions.ask(app), (codes) =>
      televisions.atDevice(world, codes, account, person),
    );
    const { auth_req_id } = await allowed(tills.ask(app, { login_hint: account.identifier }), () =>
      tills.atRequest(world, app, account, person),
    );
    const other = sameBrowser(person, beside.person());
    await other.goes(app.asks({ scope: 'openid profile', prompt: 'consent' }).url);
    expect(other.heading).toContain(app.name);

    const isActive = async (token: unknown) => {
      const told = await ask('introspection', { token: String(token) }, server);
      expect(told.status).toBe(200);
      if (told.json['active'] !== true) expect(told.json).toEqual({ active: false });
      return told.json['active'] === true;
    };
    const worksAtUserinfo = async (token: unknown) => {
      const headers = { authorization: `Bearer ${token}` };
      const { status } = await send(app.endpoint('userinfo'), { headers, port: beside.port });
      expect([200, 401]).toContain(status);
      return status === 200;
    };
    const fetches = async (form: Record<string, string>) => {
      const { status } = await ask('token', form, app);
      expect([200, 400, 401]).toContain(status);
      return status === 200;
    };
    const isGood: Record<Thing, () => Promise<boolean>> = {
      access: async () =>
        (await isActive(refreshed['access_token'])) || (await worksAtUserinfo(refreshed['access_token'])),
      bound: async () => (await isActive(bound)) || (await worksAtUserinfo(bound)),
      machine: () => isActive(machine),
      refresh: async () => {
        const active = await isActive(refreshed['refresh_token']);
        const refresh_token = String(refreshed['refresh_token']);
        return (await fetches({ grant_type: 'refresh_token', refresh_token })) || active;
      },
      device: () => fetches({ grant_type: televisions.grantType, device_code }),
      ciba: () => fetches({ grant_type: tills.grantType, auth_req_id }),
      async code() {
        const { status } = await exchange(code, attempt.verifier);
        expect([200, 400, 401]).toContain(status);
        return status === 200;
      },
      async pushed() {
        const query = new URLSearchParams({
          client_id: app.clientId,
          request_uri: String(pushed['request_uri']),
        });
        const visitor = await beside.person().goes(`${world.issuer}/authorize?${query}`);
        return !visitor.left && visitor.status < 500 && visitor.heading === 'Sign in';
      },
      async session() {
        const visitor = await sameBrowser(person, beside.person()).goes(ours.asks({ prompt: 'none' }).url);
        return visitor.left?.searchParams.has('code') === true;
      },
      async interaction() {
        await other.decides('allow');
        if (!other.left) expect(other.status).toBeLessThan(500);
        return other.left?.searchParams.has('code') === true;
      },
    };
    for (const use of ['access', 'bound', 'machine', 'session'] as const)
      expect([use, await isGood[use]()]).toEqual([use, true]);
    return { who: { accountId: account.accountId, clientId: app.clientId }, isGood };
  }

  it.each(endings)(
    'when %s, all of it is dead on the other server at once, and the rest is not',
    async (_, { ends, by }) => {
      const { who, isGood } = await everything();
      await by(pair.world.services, who);
      // What hangs on a grant or an account first: that is dead by the time the ending is done. An app itself is heard of.
      const things: Thing[] = [
        'access',
        'bound',
        'refresh',
        'device',
        'ciba',
        'session',
        'machine',
        'interaction',
        'pushed',
        'code',
      ];
      for (const thing of things) {
        const heardOf = ends === ofApp && (thing === 'machine' || thing === 'pushed');
        if (heardOf)
          await untilWorks(2000, async () => expect([thing, await isGood[thing]()]).toEqual([thing, false]));
        else expect([thing, await isGood[thing]()]).toEqual([thing, !ends.includes(thing)]);
      }
    },
  );
});

/** Asked for, and allowed where `goes` leads. */
async function allowed<Asked>(asking: Promise<Asked>, goes: (asked: Asked) => Promise<Person>) {
  const asked = await asking;
  const person = await goes(asked);
  await person.decides('allow');
  expect(person.status).toBe(200);
  return asked;
}

/** Another window of the same browser. */
function sameBrowser(person: Person, window: Person): Person {
  for (const { key, value, domain } of person.cookies.serializeSync()?.cookies ?? [])
    window.cookies.setCookieSync(`${key}=${value}; Path=/`, `http://${domain}`);
  return window;
}
