import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { days, hours, minutes, seconds } from '../../src/kit/durations.ts';
import { endSession, listSessions } from '../../src/oidc/sessions.ts';
import type { Person } from '../support/person.ts';
import { openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { pairKinds, type TwoWorlds } from '../support/two-worlds.ts';
import { newAddress, send } from '../support/wire.ts';
import { openWorld, type TestAccount, type World } from '../support/world.ts';

/** What ends with a session, on every server at once, and what the person allowed to outlive it. */
const lasting = { scope: 'openid offline_access' };

describe.each(pairKinds)('the end of a session on $name', ({ open }) => {
  let pair: TwoWorlds;
  let world: World;
  let app: RelyingParty;
  beforeAll(async () => {
    pair = await open();
    world = pair.world;
    app = await openRelyingParty(world);
  });
  afterAll(() => pair?.close());

  const isGood = async (token: unknown) => {
    const answers = await Promise.all(
      [world, pair.beside].map(({ port }) =>
        send(app.endpoint('userinfo'), { headers: { authorization: `Bearer ${token}` }, port }),
      ),
    );
    const [status] = new Set(answers.map((answer) => answer.status));
    expect(answers.every((answer) => answer.status === status)).toBe(true);
    return status === 200;
  };
  const endThere = async ({ accountId }: TestAccount) => {
    const [session] = await listSessions(world.services, accountId);
    expect(await endSession(pair.beside.services, { accountId, uid: String(session?.uid) })).toBe(true);
  };
  /** The same browser goes to the app again. */
  const again = async (person: Person, params: Record<string, string>) => {
    const attempt = app.asks(params);
    await person.goes(attempt.url);
    return app.receives(person, attempt);
  };

  it('is the end of the tokens and codes that were given for as long as it lasts', async () => {
    const account = await world.account();
    const person = world.person();
    const tokens = await app.signsIn(person, account);
    const attempt = app.asks();
    await person.goes(attempt.url);
    const code = person.left?.searchParams.get('code') ?? '';
    expect(await isGood(tokens.access_token)).toBe(true);
    await endThere(account);
    expect(await isGood(tokens.access_token)).toBe(false);
    expect(await app.introspects(tokens.access_token)).toEqual({ active: false });
    expect((await app.redeems(code, attempt)).json).toMatchObject({ error: 'invalid_grant' });
  });

  it('leaves what was allowed for the time when nobody is there, and only that', async () => {
    const account = await world.account();
    const person = world.person();
    const offline = await app.signsIn(person, account, lasting);
    // Under the same grant, but asked for without offline_access.
    const bound = await again(person, { scope: 'openid' });
    expect([await isGood(offline.access_token), await isGood(bound.access_token)]).toEqual([true, true]);
    await endThere(account);
    expect([await isGood(offline.access_token), await isGood(bound.access_token)]).toEqual([true, false]);
    const refreshed = await app.refreshes(offline.refresh_token);
    expect(refreshed.status).toBe(200);
    expect(await isGood(refreshed.json['access_token'])).toBe(true);
  });

  it.each<[string, (person: Person) => Promise<unknown>]>([
    [
      'on the account page',
      async (person) => {
        await person.goes(`${world.issuer}/account`);
        await person.presses('Sign out');
      },
    ],
    [
      'at the wish of an app',
      async (person) => {
        await person.goes(`${world.issuer}/logout?client_id=${app.clientId}`);
        await person.submits({ logout: 'yes' });
      },
    ],
  ])('comes with signing out %s, with the same effect', async (_, signOut) => {
    const account = await world.account();
    const person = world.person();
    const offline = await app.signsIn(person, account, lasting);
    const bound = await again(person, { scope: 'openid' });
    await signOut(person);
    expect(await listSessions(pair.beside.services, account.accountId)).toEqual([]);
    expect([await isGood(offline.access_token), await isGood(bound.access_token)]).toEqual([true, false]);
    expect((await app.refreshes(offline.refresh_token)).status).toBe(200);
  });

  it('reaches every grant that it made for an app, though it names the last one', async () => {
    const account = await world.account();
    const person = world.person();
    const one = await app.signsIn(person, account);
    // More scopes, another decision, another grant.
    const two = await app.signsIn(person, account, { scope: 'openid profile email' });
    expect([await isGood(one.access_token), await isGood(two.access_token)]).toEqual([true, true]);
    await endThere(account);
    expect([await isGood(one.access_token), await isGood(two.access_token)]).toEqual([false, false]);
  });

  it('lets an interaction of it go no further', async () => {
    const account = await world.account();
    const person = world.person();
    await (await openRelyingParty(world, { first_party: true })).signsIn(person, account);
    const other = await openRelyingParty(world);
    await person.goes(other.asks(lasting).url);
    expect(person.heading).toContain(other.name);
    const page = person.url;
    await endThere(account);
    await person.decides('allow');
    expect(person.left).toBeUndefined();
    expect(person.status).toBeLessThan(500);
    await person.goes(page);
    expect(person.heading).not.toContain('Allow');
  });

  it('of another session of the same person is nothing to this one', async () => {
    const account = await world.account();
    const here = await app.signsIn(world.person(), account);
    const [session] = await listSessions(world.services, account.accountId);
    const there = await app.signsIn(world.person(), account);
    await endSession(pair.beside.services, { accountId: account.accountId, uid: String(session?.uid) });
    expect([await isGood(here.access_token), await isGood(there.access_token)]).toEqual([false, true]);
  });

  it('follows at once for all but one when the password changes, and that one gets a new cookie', async () => {
    const account = await world.account();
    const [person, elsewhere] = [world.person(), world.person()];
    await app.signsIn(elsewhere, account);
    await app.signsIn(person, account);
    await person.goes(`${world.issuer}/account/password`);
    const before = person.cookieHeader();
    await person.submits({ password: account.password, new_password: 'another-correct-horse-battery' });
    expect(person.path).toBe('/account');
    expect(person.cookieHeader()).not.toBe(before);
    expect(await listSessions(pair.beside.services, account.accountId)).toHaveLength(1);
    await person.goes(`${world.issuer}/account`);
    expect(person.path).toBe('/account');
    const headers = { cookie: before, 'x-forwarded-for': newAddress() };
    for (const { port } of [world, pair.beside]) {
      const copied = await send(`${world.issuer}/account`, { headers, port });
      expect([copied.status, copied.headers.location]).toEqual([303, expect.stringMatching(/^\/authorize/)]);
    }
    await elsewhere.goes(`${world.issuer}/account`);
    expect(elsewhere.path).not.toBe('/account');
  });
});

describe('an access token that ends with its session', () => {
  it('does not outlive the day on which every session ends for good', async () => {
    const world = await openWorld({ SESSION_MAX_DAYS: '2', SESSION_IDLE_DAYS: '2' });
    try {
      const app = await openRelyingParty(world, { first_party: true });
      const person = world.person();
      const { identifier, password } = await world.account();
      await person.goes(app.asks().url);
      await person.submits({ identifier, password, remember: 'on' });
      world.advance(2 * days - 30 * minutes);
      const attempt = app.asks({ scope: 'openid' });
      await person.goes(attempt.url);
      const tokens = await app.receives(person, attempt);
      expect(tokens.expires_in).toBeLessThanOrEqual((30 * minutes) / seconds);
      expect(tokens.expires_in).toBeGreaterThan((29 * minutes) / seconds);
      world.advance(1 * hours);
      expect((await app.userinfo(tokens.access_token)).status).toBe(401);
    } finally {
      await world.close();
    }
  });
});
