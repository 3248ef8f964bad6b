import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../src/kit/clock.ts';
import { newId } from '../../src/kit/secrets.ts';
import { spendOnce } from '../../src/store/in-doubt.ts';
import { type LiveKey, type LiveStore, StoreUnavailable } from '../../src/store/live.ts';
import { openLiveRedis } from '../../src/store/live-redis.ts';
import { commitTwice } from '../../src/store/once-more.ts';
import { openLog } from '../../src/web/log.ts';
import { type FaultProxy, openFaultProxy } from '../support/fault-proxy.ts';
import { patienceMs } from '../support/patience.ts';
import { startRedis, type TestServer } from '../support/servers.mjs';
import { untilAnswering } from '../support/stores.ts';
import { until } from '../support/timing.ts';

/**
 * A commit that is on its way for longer than its page waits (reliability F3): the page was told 503, and who comes again must
 * find unused what they came with.
 */
describe('a commit that reaches Redis after its page was told 503', () => {
  let redis: TestServer;
  let proxy: FaultProxy;
  let live: LiveStore;
  /** By itself Redis would take the commit for longer than a page waits here. */
  const pageWaitsMs = 5000;
  const ttlMs = 600_000;
  beforeAll(async () => {
    redis = await startRedis();
    proxy = await openFaultProxy(redis.url);
    live = openLiveRedis({ url: proxy.url, clock: systemClock, timeoutMs: patienceMs });
    await untilAnswering(live);
  });
  afterAll(async () => {
    await live?.close();
    await proxy?.close();
    await redis?.stop();
  });

  async function unused(): Promise<LiveKey> {
    await until(
      async () =>
        await live.ping().then(
          () => true,
          () => false,
        ),
    );
    const key: LiveKey = `{${newId()}}:code`;
    await live.commit([{ do: 'put', key, value: 'code', ttlMs }]);
    return key;
  }
  const usedBy = async (key: LiveKey) => (await live.read([key]))[0]?.consumedBy;

  it('is refused where it was the repetition of one that was lost', async () => {
    const key = await unused();
    proxy.hold(key, 100);
    const repetition = proxy.hold(key);
    const page = { live: { ...live, timeoutMs: pageWaitsMs } };
    const told = commitTwice(page, [{ do: 'consume', key, by: 'ours' }]);
    await expect(told).rejects.toThrow(StoreUnavailable);
    expect(repetition.happened()).toBe(true);
    await sleep(50);
    await repetition.letThrough();
    expect(await usedBy(key)).toBeUndefined();
  });

  it('is found and undone where it came after the first look', async () => {
    const key = await unused();
    // Lost so late that it is not repeated, and 503 is told at once.
    const first = proxy.hold(key, 0.35 * pageWaitsMs);
    let looks = 0;
    const read: LiveStore['read'] = async (keys) => {
      const found = await live.read(keys);
      looks += 1;
      return found;
    };
    const page = { live: { ...live, read, timeoutMs: pageWaitsMs }, log: openLog({ level: 'silent' }) };
    await expect(spendOnce(page, { key, ttlMs: () => ttlMs })).rejects.toThrow(StoreUnavailable);
    await until(() => looks === 1);
    await first.letThrough();
    expect(await usedBy(key)).toBeDefined();
    await until(async () => (await usedBy(key)) === undefined);
  });
});
