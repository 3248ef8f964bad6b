import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { changeClient } from '../../src/actions/change-client.ts';
import { disableClient } from '../../src/actions/disable-client.ts';
import { endAccountSessions } from '../../src/actions/end-account-sessions.ts';
import { suspendAccount } from '../../src/actions/suspend-account.ts';
import { withdrawConsent } from '../../src/actions/withdraw-consent.ts';
import { days } from '../../src/kit/durations.ts';
import { takeFromLimits } from '../../src/limits/limits.ts';
import { endSession } from '../../src/oidc/sessions.ts';
import {
  askBothWays,
  codeIn,
  comparable,
  inTwoBrowsers,
  queryOf,
  type Sessions,
  wentDirect,
} from '../support/both-ways.ts';
import { openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { roundTrips } from '../support/round-trips.ts';
import { newAddress, send } from '../support/wire.ts';
import type { TestAccount, World } from '../support/world.ts';
import { worldKinds } from '../support/world-kinds.ts';

const aKey = () => ({
  ...generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' }),
  kid: 'one',
  alg: 'ES256',
  use: 'sig',
});

/** What ended, or was never decided, or asks for more by now, is found out on the direct way as by the engine. */
describe.each(worldKinds)('the direct way of people on $name', ({ open }) => {
  let world: World;
  let app: RelyingParty;
  let account: TestAccount;
  let cookies: Sessions;
  beforeAll(async () => {
    world = await open();
  });
  afterAll(() => world?.close());
  beforeEach(async () => {
    app = await openRelyingParty(world, {});
    account = await world.account();
    cookies = await inTwoBrowsers(world, { app, account });
  });

  async function bothGiveNothing(changes: Record<string, string> = {}): Promise<void> {
    const { direct, engine } = await askBothWays(world, { query: queryOf(app, changes), cookies });
    expect(comparable(direct)).toEqual(comparable(engine));
    expect([codeIn(direct), wentDirect(direct)]).toEqual([undefined, false]);
  }

  /** So that a test of an ending does not hold for another reason. */
  async function wentDirectBefore(): Promise<void> {
    const { direct } = await askBothWays(world, { query: queryOf(app), cookies });
    expect(wentDirect(direct)).toBe(true);
  }

  const setOf = (record: object) =>
    world.services.db.updateTable('accounts').set(record).where('id', '=', account.accountId).execute();
  const uidOf = (cookie: string) => /session=([\w-]{43})\./.exec(cookie)?.[1] ?? '';

  it.each<[string, () => Promise<unknown>]>([
    [
      'the session was ended',
      async () => {
        for (const cookie of Object.values(cookies))
          await endSession(world.services, { accountId: account.accountId, uid: uidOf(cookie) });
      },
    ],
    ['all sessions were ended', () => endAccountSessions(world.services, { accountId: account.accountId })],
    [
      'a record says that all were, and the session came back',
      () => setOf({ signed_out_before: Date.now() + 5000 }),
    ],
    [
      'the account was suspended',
      () => suspendAccount(world.services, { accountId: account.accountId, reason: 'test' }),
    ],
    ['the account is suspended, and the session is there', () => setOf({ suspended_at: Date.now() })],
    ['the account is locked, and the session is there', () => setOf({ locked_at: Date.now() })],
    [
      'the consent was withdrawn',
      () => withdrawConsent(world.services, { accountId: account.accountId, clientId: app.clientId }),
    ],
    ['the app was disabled', () => disableClient(world.services, { clientId: app.clientId, reason: 'test' })],
    ['the session was not used for long', async () => world.advance(100 * days)],
  ])('gives nothing where %s', async (_, end) => {
    await wentDirectBefore();
    await end();
    await bothGiveNothing();
  });

  it.each<[string, Record<string, unknown>]>([
    ['pushes its requests', { require_pushed_authorization_requests: true }],
    ['signs its requests', { require_signed_request_object: true, jwks: { keys: [aKey()] } }],
    ['wants a recent sign-in', { default_max_age: 1 }],
    ['wants to know when somebody signed in', { require_auth_time: true }],
    ['wants two factors', { default_acr_values: ['urn:latchkey:acr:2fa'] }],
    ['moved', { redirect_uris: ['https://elsewhere.example.test/callback'] }],
    ['may no longer ask for the address', { scope: 'openid' }],
    ['is of the Login-with-Amazon kind', { login_with_amazon: true }],
  ])('leaves an app to the engine that now %s', async (_, changes) => {
    await wentDirectBefore();
    const changed = await changeClient(world.services, { clientId: app.clientId, changes });
    expect(changed).toMatchObject({ ok: true });
    world.advance(2000);
    const { direct, engine } = await askBothWays(world, { query: queryOf(app), cookies });
    expect(comparable(direct)).toEqual(comparable(engine));
    expect(wentDirect(direct)).toBe(false);
  });

  it('asks again for an app that other programs could pass for, each time', async () => {
    app = await openRelyingParty(world, {
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      redirect_uris: ['https://app.example.test/callback', 'http://127.0.0.1/callback'],
    });
    cookies = await inTwoBrowsers(world, { app, account });
    await wentDirectBefore();
    await bothGiveNothing({ redirect_uri: 'http://127.0.0.1/callback' });
  });

  it('counts a request once that goes on to the engine, and reads its session and grant once', async () => {
    const query = queryOf(app, { scope: 'openid phone' });
    const headers = { cookie: cookies.direct, 'x-forwarded-for': newAddress() };
    const { calls } = await roundTrips(world, () => send(`${world.issuer}/authorize?${query}`, { headers }));
    expect(calls.filter((call) => call === 'count')).toHaveLength(1);
    // The session and its grant, each once for both ways.
    expect(calls.filter((call) => call === 'read')).toHaveLength(2);
  });

  it('goes by the grant that the session has now, also where it had another before', async () => {
    const person = world.person();
    const arrives = async () => {
      await app.signsIn(person, account, { scope: 'openid email' });
      const headers = {
        cookie: person.cookieHeader(`${world.issuer}/authorize`),
        'x-forwarded-for': newAddress(),
      };
      const answer = await send(`${world.issuer}/authorize?${queryOf(app)}`, { headers });
      expect(wentDirect(answer)).toBe(true);
      return codeIn(answer)?.slice(0, 22);
    };
    const before = await arrives();
    await withdrawConsent(world.services, { accountId: account.accountId, clientId: app.clientId });
    const after = await arrives();
    expect(after).not.toBe(before);
    expect(await arrives()).toBe(after);
  });

  it('asks anew when the decision was withdrawn while the code was made', async () => {
    const { live } = world.services;
    const commit = live.commit.bind(live);
    let overtaken = false;
    live.commit = async (steps) => {
      if (!overtaken) {
        overtaken = true;
        await withdrawConsent(world.services, { accountId: account.accountId, clientId: app.clientId });
      }
      return commit(steps);
    };
    try {
      const headers = { cookie: cookies.direct, 'x-forwarded-for': newAddress() };
      const answer = await send(`${world.issuer}/authorize?${queryOf(app)}`, { headers });
      expect(overtaken).toBe(true);
      expect(answer.headers.location).toMatch(/^\/interaction\//);
    } finally {
      live.commit = commit;
    }
  });

  it('is counted by the metrics and refused by the limit as every request', async () => {
    const told = async () => {
      const { values } = await world.services.metrics.requests.get();
      const one = values.find(({ labels }) => labels.route === 'authorize' && labels.status === 303);
      return one?.value ?? 0;
    };
    const before = await told();
    await askBothWays(world, { query: queryOf(app), cookies });
    expect((await told()) - before).toBe(2);

    const address = newAddress();
    const take = { limit: 'authorize_by_address', key: address } as const;
    for (let times = 0; times < 599; times += 1) await takeFromLimits(world.services, [take]);
    const headers = { cookie: cookies.direct, 'x-forwarded-for': address };
    const arrives = async () => (await send(`${world.issuer}/authorize?${queryOf(app)}`, { headers })).status;
    expect([await arrives(), await arrives(), await arrives()]).toEqual([303, 429, 429]);
    const { values } = await world.services.metrics.limitsHit.get();
    expect(values.find(({ labels }) => labels.limit === 'authorize_by_address')?.value).toBe(2);
  });
});
