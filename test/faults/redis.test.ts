import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { systemClock } from '../../src/kit/clock.ts';
import { newId } from '../../src/kit/secrets.ts';
import { openServices } from '../../src/services.ts';
import { readSettings } from '../../src/settings.ts';
import { type LiveStep, type LiveStore, StoreUnavailable } from '../../src/store/live.ts';
import { openLiveRedis } from '../../src/store/live-redis.ts';
import { type FaultProxy, openFaultProxy } from '../support/fault-proxy.ts';
import { startRedis, type TestServer } from '../support/servers.mjs';
import { testFolder, untilAnswering } from '../support/stores.ts';
import { timed, untilWorks } from '../support/timing.ts';

describe('the live state while Redis is in trouble', () => {
  let redis: TestServer;
  let proxy: FaultProxy;
  let live: LiveStore;
  beforeAll(async () => {
    redis = await startRedis();
    proxy = await openFaultProxy(redis.url);
    live = openLiveRedis({ url: proxy.url, clock: systemClock });
    await untilAnswering(live);
  });
  afterAll(async () => {
    await live.close();
    await proxy.close();
    await redis.stop();
  });

  /** Every way to ask, many at once. None may hang, and none may be anything but unavailable. */
  async function expectUnavailable(): Promise<void> {
    const calls = Array.from({ length: 10 }, () => [
      () => live.ping(),
      () => live.read(['{a}:b']),
      () => live.members('{a}:index'),
      () => live.count('{a}:count', 60_000, 1),
      () => live.commit([{ do: 'put', key: '{a}:b', value: 'late', ttlMs: 60_000 }]),
    ]).flat();
    const ended = await Promise.all(calls.map(timed));
    for (const { error } of ended) expect(error).toBeInstanceOf(StoreUnavailable);
    expect(Math.max(...ended.map(({ ms }) => ms))).toBeLessThan(1000);
  }

  it('says so within a second when Redis is killed, and comes back by itself', async () => {
    await live.commit([{ do: 'delete', key: '{a}:count' }]);
    await redis.kill();
    try {
      for (let times = 0; times < 3; times += 1) await expectUnavailable();
    } finally {
      await redis.restart();
    }
    const { ms } = await untilWorks(3000, () => live.ping());
    expect(ms).toBeLessThan(2000);
    // What was refused was not kept to be sent later.
    expect(await live.count('{a}:count', 60_000, 0)).toMatchObject({ count: 0 });
    expect(await live.read(['{a}:b'])).toEqual([undefined]);
  });

  it('says so within a second when Redis stands still, and comes back by itself', async () => {
    process.kill(redis.pid, 'SIGSTOP');
    try {
      for (let times = 0; times < 4; times += 1) await expectUnavailable();
    } finally {
      process.kill(redis.pid, 'SIGCONT');
    }
    expect((await untilWorks(3000, () => live.ping())).ms).toBeLessThan(2000);
  });

  it('says so within a second when nothing gets through, and comes back by itself', async () => {
    proxy.silence(true);
    try {
      for (let times = 0; times < 3; times += 1) await expectUnavailable();
    } finally {
      proxy.silence(false);
    }
    expect((await untilWorks(3000, () => live.ping())).ms).toBeLessThan(2000);
  });

  it('gives up a connection that went dead, and makes a new one', async () => {
    proxy.strand();
    await expectUnavailable();
    expect((await untilWorks(3000, () => live.ping())).ms).toBeLessThan(3000);
  });

  it('takes the repeat of a commit whose reply was lost for what it is, 100 times', async () => {
    const cutsBefore = proxy.cuts();
    let slowest = 0;
    for (let round = 0; round < 100; round += 1) {
      const [code, by] = [newId(), newId()];
      await untilWorks(2000, () => live.ping());
      await live.commit([{ do: 'put', key: `{${code}}:code`, value: 'code', ttlMs: 60_000 }]);
      const redeem = (by: string): LiveStep[] => [
        { do: 'consume', key: `{${code}}:code`, by },
        { do: 'put', key: `{${code}}:token`, value: by, ttlMs: 60_000 },
      ];
      proxy.cutReplyTo(by);
      const lost = await timed(() => live.commit(redeem(by)));
      expect(lost.error).toBeInstanceOf(StoreUnavailable);
      slowest = Math.max(slowest, lost.ms);
      const again = await untilWorks(2000, () => live.commit(redeem(by)));
      expect(again.value).toEqual({ ok: true });
      expect(await live.commit(redeem('somebody else'))).toEqual({ ok: false, reason: 'consumed', step: 0 });
    }
    expect(proxy.cuts() - cutsBefore).toBe(100);
    expect(slowest).toBeLessThan(1000);
  });
});

describe('a Redis that could lose what it was given', () => {
  it('is refused at the start when it is set to throw keys away', async () => {
    const redis = await startRedis({ args: ['--maxmemory-policy', 'allkeys-lru'] });
    const folder = testFolder();
    const settings = readSettings({ DATA_DIR: folder.path, REDIS_URL: redis.url, LOG_LEVEL: 'silent' });
    await expect(openServices(settings)).rejects.toThrow(/noeviction/);
    await redis.stop();
    folder.remove();
  });

  it('refuses writes when it is full, and keeps what it has', async () => {
    const redis = await startRedis({ args: ['--maxmemory', '6mb'] });
    const live = openLiveRedis({ url: redis.url, clock: systemClock });
    await untilAnswering(live);
    await live.commit([
      { do: 'put', key: '{code}:1', value: 'code', ttlMs: 60_000 },
      { do: 'consume', key: '{code}:1', by: 'me' },
    ]);
    const fill = (n: number) =>
      live.commit([{ do: 'put', key: `{fill}:${n}`, value: 'x'.repeat(100_000), ttlMs: 60_000 }]);
    let refusal: unknown;
    for (let n = 0; n < 200 && !refusal; n += 1) refusal = (await timed(() => fill(n))).error;
    expect(refusal).toBeInstanceOf(StoreUnavailable);
    expect(await live.read(['{code}:1'])).toEqual([{ value: 'code', consumedBy: 'me' }]);
    await live.close();
    await redis.stop();
  });
});

describe('a Redis that starts with much to read', () => {
  it('is asked again and again whether it is done, however long it said that it would take', async () => {
    // It reads 30,000 keys in some three seconds, and says no more than LOADING meanwhile.
    const redis = await startRedis({ args: ['--appendonly', 'yes', '--key-load-delay', '30'] });
    const asking = new Redis(redis.url, { enableReadyCheck: false });
    const fill = asking.pipeline();
    for (let n = 0; n < 30_000; n += 1) fill.set(`{fill}:${n}`, n);
    await fill.exec();
    const live = openLiveRedis({ url: redis.url, clock: systemClock });
    await untilAnswering(live);
    await redis.kill();
    const restarted = redis.restart();
    // Beside whom its two connections are held: one that asks every quarter of a second. A quarter as often is enough: it was a sixth.
    let times = 1;
    for (; !/^loading:0/m.test(await asking.info('persistence')); times += 1) await sleep(250);
    await restarted;
    expect((await untilWorks(3000, () => live.ping())).ms).toBeLessThan(1000);
    const all = Number(/cmdstat_info:calls=(\d+)/.exec(await asking.info('commandstats'))?.[1]);
    expect((all - times) / 2 / times).toBeGreaterThan(0.24);
    asking.disconnect();
    await live.close();
    await redis.stop();
  });
});

describe('a server that starts before its stores', () => {
  it('waits for Redis and then serves', async () => {
    const redis = await startRedis();
    await redis.kill();
    const folder = testFolder();
    const settings = readSettings({ DATA_DIR: folder.path, REDIS_URL: redis.url, LOG_LEVEL: 'silent' });
    const opening = openServices(settings);
    await new Promise((resolve) => setTimeout(resolve, 500));
    await redis.restart();
    const services = await opening;
    await services.live.ping();
    await services.close();
    await redis.stop();
    folder.remove();
  });
});
