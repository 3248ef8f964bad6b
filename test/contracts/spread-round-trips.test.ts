import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { arrivalOf, openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { roundTrips } from '../support/round-trips.ts';
import { type SpreadRedis, spreadRedisKinds } from '../support/spread-redis.ts';
import { untilWorks } from '../support/timing.ts';
import { openWorld, type TestAccount, type World } from '../support/world.ts';

/**
 * Where the live state lies on several Redis servers, an answer waits for it as often as on one: what a step asks of two of
 * them it asks side by side, and what belongs to one commit lies on one of them.
 */
describe.each(spreadRedisKinds)('round trips on $name', ({ primaries, start }) => {
  let redis: SpreadRedis;
  let world: World;
  let app: RelyingParty;
  let account: TestAccount;
  beforeAll(async () => {
    redis = await start();
    world = await openWorld({ REDIS_URL: redis.url });
    app = await openRelyingParty(world, {
      grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    });
    account = await world.account();
  });
  afterAll(async () => {
    await world?.close();
    await redis?.stop();
  });

  async function trips<T>(act: () => Promise<T>): Promise<{ trips: number; result: T }> {
    let result: T | undefined;
    const work = async () => {
      result = await act();
    };
    const servers = redis.nodes.slice(0, primaries).map(({ url }) => url);
    const { trips } = await roundTrips(world, work, servers);
    return { trips, result: result as T };
  }

  async function countsOfAllSteps() {
    const scope = 'openid profile offline_access';
    const person = world.person();
    await app.signsIn(person, account, { scope });
    const again = app.asks({ scope });
    const authorize = await trips(() => person.goes(again.url));
    const code = String(arrivalOf(person).searchParams.get('code'));
    const exchange = await trips(() => app.redeems(code, again));
    const { access_token, refresh_token } = exchange.result.json as Record<string, string>;
    return {
      authorize,
      exchange,
      refresh: await trips(() => app.refreshes(refresh_token)),
      userinfo: await trips(() => app.userinfo(String(access_token))),
      introspection: await trips(() => app.introspects(access_token)),
      pushed: await trips(() =>
        app.posts('pushed_authorization_request', new URLSearchParams(app.asks().url.searchParams)),
      ),
      own: await trips(() => app.posts('token', { grant_type: 'client_credentials' })),
    };
  }

  // Ten of each: on a Cluster every code and every token lies somewhere else.
  it.each(Array.from({ length: 10 }, (_, time) => time + 1))('are as on one server (%i)', async () => {
    // A replica that stands still with its machine has a write answered with 503: that is no count, and it begins anew.
    const { value: counts } = await untilWorks(10_000, countsOfAllSteps);
    expect([2, 3]).toContain(counts.authorize.trips);
    expect(counts).toMatchObject({
      exchange: { trips: 2, result: { status: 200 } },
      refresh: { trips: 2, result: { status: 200 } },
      userinfo: { trips: 1, result: { status: 200 } },
      introspection: { trips: 1, result: { active: true } },
      pushed: { trips: 1, result: { status: 201 } },
      own: { trips: 1, result: { status: 200 } },
    });
  });
});
