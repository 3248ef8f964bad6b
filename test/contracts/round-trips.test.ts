import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sendsAlone } from '../support/lone-form.ts';
import type { Person } from '../support/person.ts';
import { arrivalOf, openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { roundTrips } from '../support/round-trips.ts';
import { until } from '../support/timing.ts';
import type { TestAccount, World } from '../support/world.ts';
import { worldKinds } from '../support/world-kinds.ts';

/** What is not asked for by the answer: the audit record, and what is looked at from time to time. */
const ofOthers =
  /"versions"|^insert into "audit_events"|"logout_notices"|"ciba_pings"|"messages"|"told_at" = |^pragma/;

/**
 * How often an answer waits for a store, one after the other; what is asked at the same time is one trip. The records
 * are asked for nothing, once the process has its copies of the app and the account. What is written after the answer
 * left (the audit record) holds nobody up and is not counted, nor are queues that are looked at from time to time.
 */
describe.each(worldKinds)('round trips on $name', ({ open }) => {
  let world: World;
  let app: RelyingParty;
  let machine: RelyingParty;
  let account: TestAccount;
  beforeAll(async () => {
    world = await open();
    app = await openRelyingParty(world);
    machine = await openRelyingParty(world, { grant_types: ['authorization_code', 'client_credentials'] });
    account = await world.account();
    await until(() => world.services.changes.heard);
  });
  afterAll(() => world.close());

  async function trips<T>(act: () => Promise<T>): Promise<{ live: number; queries: string[]; result: T }> {
    const executor = world.services.db.getExecutor();
    const execute = executor.executeQuery.bind(executor);
    const queries: string[] = [];
    executor.executeQuery = ((query: { sql: string }, ...rest: unknown[]) => {
      if (!ofOthers.test(query.sql)) queries.push(query.sql);
      return (execute as (...given: unknown[]) => unknown)(query, ...rest);
    }) as typeof executor.executeQuery;
    let result: T | undefined;
    try {
      const counted = await roundTrips(world, async () => {
        result = await act();
      });
      return { live: counted.trips, queries, result: result as T };
    } finally {
      executor.executeQuery = execute;
    }
  }

  const lasting = { scope: 'openid profile offline_access' };

  it('are two for a code and for a refresh token, and one for userinfo and for introspection', async () => {
    const person = world.person();
    await app.signsIn(person, account, lasting);
    const { code, attempt } = await app.getsCode(person, account, lasting);
    const exchange = await trips(() => app.redeems(code, attempt));
    expect(exchange).toMatchObject({ live: 2, queries: [], result: { status: 200 } });
    const { access_token, refresh_token } = exchange.result.json as Record<string, string>;
    expect(await trips(() => app.refreshes(refresh_token))).toMatchObject({
      live: 2,
      queries: [],
      result: { status: 200 },
    });
    expect(await trips(() => app.userinfo(String(access_token)))).toMatchObject({
      live: 1,
      queries: [],
      result: { status: 200 },
    });
    expect(await trips(() => app.introspects(access_token))).toMatchObject({
      live: 1,
      queries: [],
      result: { active: true },
    });
  });

  it('are two, one and one also for what ends with the session', async () => {
    const person = world.person();
    await app.signsIn(person, account);
    const { code, attempt } = await app.getsCode(person, account);
    const exchange = await trips(() => app.redeems(code, attempt));
    expect(exchange).toMatchObject({ live: 2, queries: [], result: { status: 200 } });
    const { access_token } = exchange.result.json as Record<string, string>;
    expect(await trips(() => app.userinfo(String(access_token)))).toMatchObject({ live: 1, queries: [] });
    expect(await trips(() => app.introspects(access_token))).toMatchObject({
      live: 1,
      result: { active: true },
    });
  });

  it('are one for a machine and for a pushed request, and at most three for somebody who is signed in', async () => {
    await machine.posts('token', { grant_type: 'client_credentials' });
    const token = await trips(() => machine.posts('token', { grant_type: 'client_credentials' }));
    expect(token).toMatchObject({ live: 1, queries: [], result: { status: 200 } });
    const { url } = app.asks();
    const pushed = await trips(() =>
      app.posts('pushed_authorization_request', new URLSearchParams(url.searchParams)),
    );
    expect(pushed).toMatchObject({ live: 1, queries: [], result: { status: 201 } });

    const person = world.person();
    await app.signsIn(person, account);
    const again = app.asks();
    const authorize = await trips(() => person.goes(again.url));
    expect(arrivalOf(person).searchParams.get('code')).toBeTruthy();
    expect(authorize.live).toBeLessThanOrEqual(3);
    expect(authorize.queries).toEqual([]);
  });

  it('are at most five for a right password, and five of the records, whether or not the browser is known', async () => {
    const newcomer = await world.account();
    const first = world.person();
    const asked = await signsInFrom(first, newcomer);
    expect(asked.result.status).toBe(303);
    expect(asked.live).toBeLessThanOrEqual(5);
    expect(asked.queries.map(whatOf)).toEqual([
      'select from "contacts"',
      'insert into "failures"',
      'update "failures"',
      'select from "accounts"',
      'insert into "known_browsers"',
    ]);

    for (const cookie of [asked.result.headers['set-cookie'] ?? []].flat())
      await first.cookies.setCookie(cookie, first.url);
    const again = await signsInFrom(first, newcomer);
    expect(again.result.status).toBe(303);
    expect(again.live).toBeLessThanOrEqual(5);
    expect(again.queries.map(whatOf)).toEqual([
      'select from "contacts"',
      'update "known_browsers"',
      'update "known_browsers"',
      'select from "accounts"',
      'update "known_browsers"',
    ]);
  });

  /** The form alone, without where its answer leads. */
  async function signsInFrom(person: Person, { identifier, password }: TestAccount) {
    await person.goes(app.asks({ prompt: 'login' }).url);
    const page = `${person.path}/password`;
    return trips(() => sendsAlone(person, { page, form: { identifier, password }, port: world.port }));
  }

  function whatOf(sql: string): string {
    return sql.replace(/^(select) .* (from "\w+").*$/, '$1 $2').replace(/("\w+").*$/, '$1');
  }
});
