import { openTestLive, openTestLiveAt, type TestLive } from './stores.ts';

/**
 * Every home of the live state. The embedded one needs nothing; scripts/test.mjs starts a Redis, a Redis Cluster, and a
 * Redis with replicas and sentinels for the run, where a suite that runs mentions this file.
 */
export type LiveHome = { name: string; open(): Promise<TestLive> };

const servers = {
  Redis: process.env['TEST_REDIS_URL'],
  'a Redis Cluster': process.env['TEST_REDIS_CLUSTER_URL'],
  'Redis with sentinels': process.env['TEST_REDIS_SENTINEL_URL'],
};

export const liveHomes: LiveHome[] = [
  { name: 'SQLite', open: () => openTestLive('sqlite') },
  ...Object.entries(servers).flatMap(([name, url]) =>
    url === undefined ? [] : [{ name, open: () => openTestLiveAt(url) }],
  ),
];
