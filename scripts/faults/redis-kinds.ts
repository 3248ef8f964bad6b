import { Redis } from 'ioredis';
import {
  startRedis,
  startRedisCluster,
  startRedisSentinel,
  type TestCluster,
  type TestSentinel,
  type TestServer,
} from '../../test/support/servers.mjs';

/** The ways in which Redis can stand behind the bed. What is acknowledged must be on disk: only then its end may be held against anybody. */
export type RedisKind = 'one' | 'sentinel' | 'cluster';
export type BedRedis = {
  kind: RedisKind;
  url: string;
  /** Those that hold data. */
  servers: readonly TestServer[];
  sentinel?: TestSentinel;
  cluster?: TestCluster;
  stop(): Promise<void>;
};

export const durable = ['appendonly yes', 'appendfsync always'];

export async function startBedRedis(kind: RedisKind, config: readonly string[] = []): Promise<BedRedis> {
  if (kind === 'cluster') {
    const cluster = await startRedisCluster({ replicas: 1, config: [...config] });
    return { kind, url: cluster.url, servers: cluster.nodes, cluster, stop: cluster.stop };
  }
  if (kind === 'sentinel') {
    const sentinel = await startRedisSentinel({ config: [...config] });
    return { kind, url: sentinel.url, servers: sentinel.nodes, sentinel, stop: sentinel.stop };
  }
  const args = [...durable, ...config].flatMap((line) => {
    const [name = '', ...rest] = line.split(' ');
    return [`--${name}`, rest.join(' ')];
  });
  const one = await startRedis({ args });
  return { kind, url: one.url, servers: [one], stop: one.stop };
}

/** A connection of the recipe's own, for orders and questions that the servers do not give. */
export async function asAdmin<Result>(url: string, work: (redis: Redis) => Promise<Result>): Promise<Result> {
  const redis = new Redis(url, { retryStrategy: () => null, lazyConnect: true });
  redis.on('error', () => {});
  try {
    await redis.connect();
    return await work(redis);
  } finally {
    redis.disconnect();
  }
}

/** One number or word of INFO. */
export async function infoOf(url: string, section: string, name: string): Promise<string> {
  const info = await asAdmin(url, (redis) => redis.info(section));
  return new RegExp(`^${name}:([^\\r\\n]*)`, 'm').exec(info)?.[1] ?? '';
}
