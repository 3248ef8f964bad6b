import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { systemClock } from '../../src/kit/clock.ts';
import { newId } from '../../src/kit/secrets.ts';
import type { LiveKey } from '../../src/store/live.ts';
import { openLiveRedis } from '../../src/store/live-redis.ts';
import { liveHomes } from '../support/live-homes.ts';
import { ownRedisDatabase, type TestLive, untilAnswering } from '../support/stores.ts';

/** What limits are counted with. */
describe.each(liveHomes)('counters of the live state on $name', ({ open }) => {
  let store: TestLive;
  beforeAll(async () => {
    store = await open();
  });
  afterAll(() => store.close());

  const aKey = (): LiveKey => `{${newId()}}:count`;
  // Redis goes by its own time: what is counted for so long is there when it is read at once, also on a busy machine.
  const short = 1500;

  it('count in a window that starts with the first and is not prolonged', async () => {
    const key = aKey();
    const count = (amount: number) => store.live.count(key, 3 * short, amount);
    expect(await count(0)).toEqual({ count: 0, resetMs: 0, over: false });
    const first = await count(1);
    expect(first.count).toBe(1);
    expect(first.resetMs).toBeGreaterThan(2 * short);
    expect(first.resetMs).toBeLessThanOrEqual(3 * short);
    await store.pass(short);
    const second = await count(2);
    expect(second.count).toBe(3);
    expect(second.resetMs).toBeLessThanOrEqual(2 * short);
    expect((await count(0)).count).toBe(3);
    await store.pass(2 * short + 50);
    expect((await count(0)).count).toBe(0);
    expect((await count(1)).count).toBe(1);
  });

  it('take back, but not below nothing and not into a window that never was', async () => {
    const key = aKey();
    const count = (amount: number) => store.live.count(key, 60_000, amount);
    expect(await count(-1)).toEqual({ count: 0, resetMs: 0, over: false });
    await count(3);
    expect((await count(-1)).count).toBe(2);
    expect((await count(-5)).count).toBe(0);
    expect((await count(1)).count).toBe(1);
  });

  it('count nothing beyond the most that they are told, however many count at once', async () => {
    const key = aKey();
    const count = (amount: number) => store.live.count(key, 60_000, amount, 3);
    const counts = await Promise.all(Array.from({ length: 50 }, () => count(1)));
    expect(
      counts
        .filter(({ over }) => !over)
        .map(({ count }) => count)
        .sort(),
    ).toEqual([1, 2, 3]);
    expect(new Set(counts.filter(({ over }) => over).map(({ count }) => count))).toEqual(new Set([3]));
    const refused = await count(1);
    expect(refused).toMatchObject({ count: 3, over: true });
    expect(refused.resetMs).toBeGreaterThan(0);
    expect(await count(-1)).toMatchObject({ count: 2, over: false });
    expect(await count(2)).toMatchObject({ count: 2, over: true });
    expect(await count(1)).toMatchObject({ count: 3, over: false });
    // Not even the first, and no window begins with it.
    const other = aKey();
    expect(await store.live.count(other, 60_000, 4, 3)).toEqual({
      count: 0,
      resetMs: 0,
      over: true,
    });
    expect(await store.live.count(other, 60_000, 1, 0)).toEqual({
      count: 0,
      resetMs: 0,
      over: true,
    });
  });

  it('lose nothing when many count at once', async () => {
    const key = aKey();
    const counts = await Promise.all(Array.from({ length: 200 }, () => store.live.count(key, 60_000, 1)));
    expect(counts.map(({ count }) => count).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 200 }, (_, place) => place + 1),
    );
  });
});

it('a count whose window is over is none, though Redis may still hold it', async () => {
  const url = await ownRedisDatabase();
  const redis = new Redis(url);
  const live = openLiveRedis({ url, prefix: 'mine:', clock: systemClock });
  await untilAnswering(live);
  // As in its last millisecond, for longer.
  await redis.set('mine:{counter}:count', '5');
  expect(await live.count('{counter}:count', 60_000, 0)).toMatchObject({ count: 0, resetMs: 0 });
  expect(await live.count('{counter}:count', 60_000, 1, 5)).toMatchObject({ count: 1, over: false });
  expect(await redis.pttl('mine:{counter}:count')).toBeGreaterThan(0);
  redis.disconnect();
  await live.close();
});
