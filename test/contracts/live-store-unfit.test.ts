import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../src/kit/clock.ts';
import { StoreUnavailable } from '../../src/store/live.ts';
import { type LiveRedis, openLiveRedis } from '../../src/store/live-redis.ts';
import { watchRedis } from '../../src/store/live-redis-watch.ts';
import { openLog } from '../../src/web/log.ts';
import { openMetrics } from '../../src/web/metrics.ts';
import { askRedis } from '../support/redis-server.mjs';
import { startRedis, type TestServer } from '../support/servers.mjs';
import { untilAnswering } from '../support/stores.ts';
import { timed, untilWorks } from '../support/timing.ts';

/** Misuse case ST-05. */
describe('a Redis that may lose what it is given', () => {
  let redis: TestServer;
  let live: LiveRedis;
  beforeAll(async () => {
    redis = await startRedis();
    live = openLiveRedis({ url: redis.url, clock: systemClock });
    await untilAnswering(live);
  });
  afterAll(async () => {
    await live.close();
    await redis.stop();
  });
  const set = (...given: (string | number)[]) => askRedis([redis], ['CONFIG', 'SET', ...given]);
  /** As a failover does: everybody finds themselves connected to another server. */
  const breakConnections = () => askRedis([redis], ['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes']);

  it('is not used, however it came to be the one, and used when it is mended', async () => {
    await set('maxmemory-policy', 'allkeys-lru');
    await breakConnections();
    await untilWorks(3000, async () => {
      const { error } = await timed(() => live.ping());
      const cause = error instanceof StoreUnavailable ? String(error.cause) : '';
      if (!cause.includes('noeviction')) throw new Error(`not refused: ${cause}`);
    });
    const write = () => live.commit([{ do: 'put', key: '{a}:b', value: 'c', ttlMs: 60_000 }]);
    expect((await timed(write)).error).toBeInstanceOf(StoreUnavailable);
    await set('maxmemory-policy', 'noeviction');
    expect((await untilWorks(5000, write)).value).toEqual({ ok: true });
  });

  it('is refused at the start, and its memory is counted and never a reason not to be ready', async () => {
    const watched = { log: openLog({ level: 'silent' }), metrics: openMetrics() };
    const [[info] = []] = await askRedis([redis], ['INFO', 'memory']);
    const used = Number(/^used_memory:(\d+)/m.exec(String(info))?.[1]);
    await set('maxmemory', Math.floor(used * 1.1));
    const stop = await watchRedis(live, watched);
    const { values } = await watched.metrics.redisMemory.get();
    expect(values).toEqual([
      { labels: { server: `127.0.0.1:${redis.port}` }, value: expect.closeTo(0.9, 0) },
    ]);
    await live.ping();
    stop();
    await set('maxmemory', 0, 'maxmemory-policy', 'volatile-lru');
    await expect(watchRedis(live, watched)).rejects.toThrow(/noeviction/);
    await set('maxmemory-policy', 'noeviction');
  });
});

describe('a primary that became a replica while we talk to it', () => {
  it('confirms nothing, which is no mistake of ours, and is left until it is a primary again', async () => {
    const redis = await startRedis();
    const live = openLiveRedis({ url: redis.url, clock: systemClock, waitReplicas: 1 });
    await untilAnswering(live);
    await askRedis([redis], ['REPLICAOF', '127.0.0.1', 1]);
    // It writes nothing, so that only the replicas are missing.
    const { error } = await timed(() => live.commit([{ do: 'expect', key: '{a}:b', value: undefined }]));
    expect(error).toBeInstanceOf(StoreUnavailable);
    await untilWorks(3000, async () => {
      const { error } = await timed(() => live.ping());
      const cause = error instanceof StoreUnavailable ? String(error.cause) : '';
      if (!cause.includes('is a replica')) throw new Error(`not left: ${cause}`);
    });
    await askRedis([redis], ['REPLICAOF', 'NO', 'ONE']);
    await untilWorks(5000, () => live.ping());
    await live.close();
    await redis.stop();
  });
});
