import { startRedisCluster, startRedisSentinel, type TestServer } from './servers.mjs';

/** Where the live state of a whole server may lie on several Redis servers; the primaries are the first of their nodes. */
export type SpreadRedis = { url: string; nodes: TestServer[]; stop(): Promise<void> };

// Nobody takes these servers away: a machine that is busy for some seconds is no reason for a failover.
export const spreadRedisKinds: { name: string; primaries: number; start(): Promise<SpreadRedis> }[] = [
  {
    name: 'a Redis Cluster',
    primaries: 3,
    start: () => startRedisCluster({ nodes: 3, replicas: 1, nodeTimeoutMs: 15_000 }),
  },
  {
    name: 'a Redis with sentinels',
    primaries: 1,
    start: () => startRedisSentinel({ replicas: 1, downAfterMs: 60_000 }),
  },
];
