import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../src/kit/clock.ts';
import { newId } from '../../src/kit/secrets.ts';
import type { LiveKey } from '../../src/store/live.ts';
import { type LiveRedis, openLiveRedis } from '../../src/store/live-redis.ts';
import { slotOf } from '../../src/store/live-redis-slots.ts';
import { askRedis } from '../support/redis-server.mjs';
import { startRedisCluster, type TestCluster, type TestServer } from '../support/servers.mjs';
import { untilAnswering } from '../support/stores.ts';
import { until, untilWorks } from '../support/timing.ts';
import { lostOf, unforeseen, writeOn } from '../support/writers.ts';

/** Misuse case ST-17. */
describe('the live state on a Cluster', () => {
  let cluster: TestCluster;
  let live: LiveRedis;
  beforeAll(async () => {
    cluster = await startRedisCluster({ nodes: 3, replicas: 1, nodeTimeoutMs: 2000 });
    live = openLiveRedis({ url: cluster.url, clock: systemClock });
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
  const ask = async (server: TestServer, ...command: (string | number)[]) =>
    (await askRedis([server], command))[0]?.[0];
  /** A partition whose slot one of the three primaries had at first. */
  const partitionOn = (place: number) => {
    for (;;) {
      const id = newId();
      if (Math.floor(slotOf(`{${id}}:`) / Math.ceil(16_384 / 3)) === place) return id;
    }
  };
  const put = (key: LiveKey) => live.commit([{ do: 'put', key, value: key, ttlMs: 600_000 }]);
  const textAt = async (key: LiveKey) => (await live.read([key]))[0]?.value;

  it('finds the slot of a key as the Cluster does, and waits for a replica since there are some', async () => {
    const keys = [
      '{a}:b',
      '{account x}:sessions',
      '{grün 🔑}:g',
      `prefix:{${newId()}}:x`,
      '{}x}:i',
      '{a}b}:i',
      'none',
      '{',
      `{${newId()}}:r`,
    ];
    for (const key of keys) expect(await ask(node(0), 'CLUSTER', 'KEYSLOT', key)).toBe(slotOf(key));
    // A replica joins when it has copied all there is.
    await until(async () => (await live.examine()).waitReplicas === 1);
    for (const place of [0, 1, 2]) await untilWorks(10_000, () => put(`{${partitionOn(place)}}:entry`));
  });

  it('goes on when a server has forgotten the scripts', async () => {
    await askRedis(cluster.nodes.slice(0, 3), ['SCRIPT', 'FLUSH']);
    for (const place of [0, 1, 2]) {
      const key: LiveKey = `{${partitionOn(place)}}:entry`;
      expect(await Promise.all([put(key), put(key)])).toEqual([{ ok: true }, { ok: true }]);
      expect(await live.count(`{${partitionOn(place)}}:count`, 60_000, 1)).toMatchObject({ count: 1 });
    }
  });

  it('follows a slot that moves to another node, before, while and after its keys do', async () => {
    const id = partitionOn(0);
    const [slot, keys] = [slotOf(`{${id}}:`), Array.from({ length: 4 }, (_, n): LiveKey => `{${id}}:${n}`)];
    await put(`{${id}}:0`);
    const [from, to] = [node(0), node(1)];
    const [fromId, toId] = [await ask(from, 'CLUSTER', 'MYID'), await ask(to, 'CLUSTER', 'MYID')];
    await ask(to, 'CLUSTER', 'SETSLOT', slot, 'IMPORTING', String(fromId));
    await ask(from, 'CLUSTER', 'SETSLOT', slot, 'MIGRATING', String(toId));
    // Still there, and not there yet: the second is answered with ASK.
    expect(await textAt(`{${id}}:0`)).toBe(`{${id}}:0`);
    expect(await put(`{${id}}:1`)).toEqual({ ok: true });
    expect(await textAt(`{${id}}:1`)).toBe(`{${id}}:1`);
    // Some here, some there: what needs both waits until they are together.
    const both = untilWorks(5000, () =>
      live.commit([
        { do: 'require', key: `{${id}}:0` },
        { do: 'require', key: `{${id}}:1` },
        { do: 'put', key: `{${id}}:2`, value: `{${id}}:2`, ttlMs: 600_000 },
      ]),
    );
    const password = new URL(to.url).password;
    const migrate = ['MIGRATE', '127.0.0.1', to.port, '', 0, 1000, 'AUTH', password, 'KEYS', `{${id}}:0`];
    await ask(from, ...migrate);
    for (const server of [to, from]) await ask(server, 'CLUSTER', 'SETSLOT', slot, 'NODE', String(toId));
    expect((await both).value).toEqual({ ok: true });
    expect(await put(`{${id}}:3`)).toEqual({ ok: true });
    expect((await live.read(keys)).map((entry) => entry?.value)).toEqual(keys);
  });

  it('loses nothing when a replica takes over from its primary as the operator asked', async () => {
    const ledger = writeOn(live);
    await ledger.acknowledges(50);
    await ask(node(4), 'CLUSTER', 'FAILOVER');
    let askedAt = performance.now();
    await untilWorks(10_000, async () => {
      if (String(await ask(node(4), 'INFO', 'replication')).includes('role:master')) return;
      // Redis gives up after five seconds, when the others were too busy to agree.
      if (performance.now() - askedAt > 6000) {
        askedAt = performance.now();
        await ask(node(4), 'CLUSTER', 'FAILOVER');
      }
      throw new Error('not yet');
    });
    await untilWorks(10_000, () => put(`{${partitionOn(1)}}:entry`));
    await ledger.acknowledges(50);
    await ledger.stop();
    expect(unforeseen(ledger)).toEqual([]);
    expect(await lostOf(live, ledger)).toEqual([]);
  });

  it('keeps the other slots when a primary is killed, and writes to its slots when a replica took them', async () => {
    // The killed node will be alone without replicas, so only what it confirmed before counts.
    const alone = openLiveRedis({ url: cluster.url, clock: systemClock, waitReplicas: 0 });
    await untilAnswering({ ping: async () => void (await alone.examine()) });
    const ledger = writeOn(live);
    await ledger.acknowledges(100);
    await ledger.stop();
    await node(2).kill();
    // The others can still be used, and so the whole counts as there.
    expect(await put(`{${partitionOn(0)}}:entry`)).toEqual({ ok: true });
    await live.ping();
    await untilWorks(10_000, () =>
      alone.commit([{ do: 'put', key: `{${partitionOn(2)}}:entry`, value: 'v', ttlMs: 60_000 }]),
    );
    expect(await lostOf(alone, ledger)).toEqual([]);
    await alone.close();
  });
});
