import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import { systemClock } from '../../src/kit/clock.ts';
import { openDatabase } from '../../src/store/database.ts';
import { StoreUnavailable } from '../../src/store/live.ts';
import { openLiveRedis } from '../../src/store/live-redis.ts';
import { patienceMs } from '../support/patience.ts';
import { startRedis, type TestServer } from '../support/servers.mjs';
import { databaseKinds, serverPlace, untilAnswering } from '../support/stores.ts';

/** STORE_TIMEOUT_MS: a store that takes its second and a half is waited for by whoever was told to, and by nobody else. */
const slowMs = 1500;

describe('a Redis that stands still for a moment', () => {
  let redis: TestServer;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis?.stop());

  async function stands<Result>(work: () => Promise<Result>): Promise<Result> {
    process.kill(redis.pid, 'SIGSTOP');
    const [ended] = await Promise.allSettled([
      work(),
      sleep(slowMs).then(() => process.kill(redis.pid, 'SIGCONT')),
    ]);
    if (ended.status === 'rejected') throw ended.reason;
    return ended.value;
  }

  it.each([
    { timeoutMs: patienceMs, answered: true },
    { timeoutMs: undefined, answered: false },
  ])('is waited for $timeoutMs ms: answered $answered', async ({ timeoutMs, answered }) => {
    const live = openLiveRedis({ url: redis.url, clock: systemClock, timeoutMs });
    try {
      await untilAnswering(live);
      const put = () => live.commit([{ do: 'put', key: '{a}:b', value: 'c', ttlMs: 60_000 }]);
      if (answered) expect(await stands(put)).toEqual({ ok: true });
      else await expect(stands(put)).rejects.toThrow(StoreUnavailable);
    } finally {
      await live.close();
    }
  });
});

const servers = databaseKinds.includes('postgres') ? describe : undefined;
servers?.('a PostgreSQL that is slow', () => {
  it.each([
    { timeoutMs: patienceMs, answered: true },
    { timeoutMs: 1000, answered: false },
  ])('is waited for $timeoutMs ms: answered $answered', async ({ timeoutMs, answered }) => {
    const place = await serverPlace();
    const db = await openDatabase({ ...place.at, timeoutMs });
    try {
      const asked = sql`select pg_sleep(${slowMs / 1000})`.execute(db);
      if (answered) expect((await asked).rows).toHaveLength(1);
      else await expect(asked).rejects.toThrow(StoreUnavailable);
    } finally {
      await db.destroy();
      await place.remove();
    }
  });
});
