import { startRedisCluster, startRedisSentinel } from './servers.mjs';
import { openTestLive, openTestLiveAt, type TestLive } from './stores.ts';

/**
 * Every home of the live state. The embedded one needs nothing; the Redis of the run is started by scripts/test.mjs, and
 * those that are several servers by whoever opens them: started for the whole run, ten that do nothing would cost a tenth
 * of two processors.
 */
export type LiveHome = { name: string; open(): Promise<TestLive> };

const embedded: LiveHome = { name: 'SQLite', open: () => openTestLive('sqlite') };

// Nobody takes these servers away: a machine that is busy for a second or ten is no reason for a failover.
const onRedis: LiveHome[] = [
  { name: 'Redis', open: () => openTestLive('redis') },
  { name: 'a Redis Cluster', open: () => openOn(startRedisCluster({ nodeTimeoutMs: 15_000 })) },
  { name: 'Redis with sentinels', open: () => openOn(startRedisSentinel({ downAfterMs: 60_000 })) },
];

export const liveHomes: LiveHome[] = process.env['TEST_REDIS_URL'] ? [embedded, ...onRedis] : [embedded];

async function openOn(starting: Promise<{ url: string; stop(): Promise<void> }>): Promise<TestLive> {
  const servers = await starting;
  const home = await openTestLiveAt(servers.url).catch(async (problem) => {
    await servers.stop();
    throw problem;
  });
  return { ...home, close: () => home.close().finally(() => servers.stop()) };
}
