import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { arrivalOf, openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { roundTrips } from '../support/round-trips.ts';
import { startRedisCluster, startRedisSentinel } from '../support/servers.mjs';
import { openWorld, type TestAccount, type World } from '../support/world.ts';

/**
 * Where the live state lies on several Redis servers, an answer waits for it as often as on one: what a step asks of two of
 * them it asks side by side, and what belongs to one commit lies on one of them.
 */
describe.each([
  // Nobody takes these servers away: a machine that is busy for some seconds is no reason for a failover.
  ['a Redis Cluster', 3, () => startRedisCluster({ nodes: 3, nodeTimeoutMs: 15_000 })],
  ['a Redis with sentinels', 1, () => startRedisSentinel({ replicas: 1, downAfterMs: 60_000 })],
])('round trips on %s', (_, primaries, start) => {
  let redis: Awaited<ReturnType<typeof start>>;
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

  // Ten of each: on a Cluster every code and every token lies somewhere else.
  it.each(Array.from({ length: 10 }, (_, time) => time + 1))('are as on one server (%i)', async () => {
    const scope = 'openid profile offline_access';
    const person = world.person();
    await app.signsIn(person, account, { scope });
    const again = app.asks({ scope });
    const authorize = await trips(() => person.goes(again.url));
    expect([2, 3]).toContain(authorize.trips);
    const code = String(arrivalOf(person).searchParams.get('code'));
    const exchange = await trips(() => app.redeems(code, again));
    expect(exchange).toMatchObject({ trips: 2, result: { status: 200 } });
    const { access_token, refresh_token } = exchange.result.json as Record<string, string>;
    const refresh = await trips(() => app.refreshes(refresh_token));
    expect(refresh).toMatchObject({ trips: 2, result: { status: 200 } });
    const userinfo = await trips(() => app.userinfo(String(access_token)));
    expect(userinfo).toMatchObject({ trips: 1, result: { status: 200 } });
    const introspection = await trips(() => app.introspects(access_token));
    expect(introspection).toMatchObject({ trips: 1, result: { active: true } });
    const pushed = await trips(() =>
      app.posts('pushed_authorization_request', new URLSearchParams(app.asks().url.searchParams)),
    );
    expect(pushed).toMatchObject({ trips: 1, result: { status: 201 } });
    const own = await trips(() => app.posts('token', { grant_type: 'client_credentials' }));
    expect(own).toMatchObject({ trips: 1, result: { status: 200 } });
  });
});
