import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../src/kit/clock.ts';
import { newId } from '../../src/kit/secrets.ts';
import { StoreUnavailable } from '../../src/store/live.ts';
import { type LiveRedis, openLiveRedis } from '../../src/store/live-redis.ts';
import { slotOf } from '../../src/store/live-redis-slots.ts';
import { askRedis } from '../support/redis-server.mjs';
import { startRedisCluster, type TestCluster, type TestServer } from '../support/servers.mjs';
import { untilAnswering } from '../support/stores.ts';
import { timed, until, untilWorks } from '../support/timing.ts';

/** The first two have the slots, by halves; the others follow them. */
describe('the table of slots', () => {
  let cluster: TestCluster;
  let live: LiveRedis;
  beforeAll(async () => {
    cluster = await startRedisCluster({ nodes: 2, replicas: 1, nodeTimeoutMs: 60_000 });
    live = openLiveRedis({ url: cluster.url, clock: systemClock, waitReplicas: 0 });
    await untilAnswering({ ping: async () => void (await live.examine()) });
  });
  afterAll(async () => {
    await live.close();
    await cluster.stop();
  });

  const node = (place: number): TestServer => {
    const found = cluster.nodes[place];
    if (!found) throw new Error(`no node ${place}`);
    return found;
  };
  const ask = async (place: number, ...command: (string | number)[]) =>
    String((await askRedis([node(place)], command))[0]?.[0]);
  const partitionOn = (place: number) => {
    for (;;) {
      const id = newId();
      if (Math.floor(slotOf(`{${id}}:`) / 8192) === place) return id;
    }
  };
  const putOn = (id: string) =>
    live.commit([{ do: 'put', key: `{${id}}:entry`, value: 'v', ttlMs: 600_000 }]);

  it('need not list a node that is given its first slot', async () => {
    // One that followed is made a new one, and those that knew it forget what it was.
    const lonely = node(3);
    await ask(3, 'CLUSTER', 'RESET', 'HARD');
    const busPort = (await ask(3, 'CLUSTER', 'NODES')).match(/@(\d+)/)?.[1] ?? '';
    await ask(0, 'CLUSTER', 'MEET', '127.0.0.1', lonely.port, busPort);
    const [fromId, toId] = [await ask(0, 'CLUSTER', 'MYID'), await ask(3, 'CLUSTER', 'MYID')];
    await until(async () => (await ask(3, 'CLUSTER', 'INFO')).includes('cluster_state:ok'));
    await until(async () => (await ask(0, 'CLUSTER', 'NODES')).includes(`${toId} `));
    const id = partitionOn(0);
    const slot = slotOf(`{${id}}:`);
    await ask(3, 'CLUSTER', 'SETSLOT', slot, 'IMPORTING', fromId);
    await ask(0, 'CLUSTER', 'SETSLOT', slot, 'MIGRATING', toId);
    const { value, ms } = await untilWorks(5000, () => putOn(id));
    expect(value).toEqual({ ok: true });
    expect(ms).toBeLessThan(1000);
    expect(await ask(3, 'CLUSTER', 'COUNTKEYSINSLOT', slot)).toBe('1');
    for (const place of [3, 0, 1]) await ask(place, 'CLUSTER', 'SETSLOT', slot, 'NODE', toId);
    expect((await untilWorks(5000, () => live.read([`{${id}}:entry`]))).value).toMatchObject([
      { value: 'v' },
    ]);
  });

  it('is learned again when a node that lives on knows the others no more, and one of them has its place', async () => {
    const id = partitionOn(0);
    await untilWorks(5000, () => putOn(id));
    // It takes no word from whom it has forgotten, so it never hears of the replica in its place.
    const all = (await ask(0, 'CLUSTER', 'NODES')).trim().split('\n');
    for (const line of all.filter((line) => !line.includes('myself')))
      await ask(0, 'CLUSTER', 'FORGET', line.slice(0, 40));
    expect(await ask(0, 'CLUSTER', 'INFO')).toContain('cluster_state:fail');
    // It may be that nobody has its place for a while.
    const refused = await timed(() => putOn(id));
    expect(refused.error).toBeInstanceOf(StoreUnavailable);
    expect(String((refused.error as StoreUnavailable).cause)).toContain('CLUSTERDOWN');
    await ask(2, 'CLUSTER', 'FAILOVER', 'TAKEOVER');
    const slot = slotOf(`{${id}}:`);
    await until(async () => (await ask(1, 'CLUSTER', 'SLOTS')).includes(String(node(2).port)));
    const { value, ms } = await untilWorks(3000, () => putOn(id));
    expect(value).toEqual({ ok: true });
    expect(ms).toBeLessThan(2000);
    // The others have not been lost over it.
    expect(await putOn(partitionOn(1))).toEqual({ ok: true });
    expect(await ask(2, 'CLUSTER', 'COUNTKEYSINSLOT', slot)).toBe('1');
  });
});
