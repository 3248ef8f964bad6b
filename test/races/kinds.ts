import { randomBytes, randomInt } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Redis } from 'ioredis';
import { liveFile } from '../../src/store/data-folder.ts';
import { embeddedPlace, serverPlace, testFolder } from '../support/stores.ts';
import { openJitterProxy } from './jitter-proxy.ts';

/**
 * The stores to race on.
 *
 * `embedded` is two server processes on one DATA_DIR. That is more than docs/operations.md offers (one server, and the
 * command line beside it), and what src/store/data-folder.ts promises: several processes may share the folder.
 */
export type RecordsPlace = Awaited<ReturnType<typeof serverPlace>>;

export type RaceStores = {
  kind: string;
  /** The settings of the servers. */
  environment: Record<string, string>;
  /** The same without what is put between the servers and their stores, for those who prepare and count. */
  direct: Record<string, string>;
  liveKeys(): Promise<string[]>;
  /** Other records of the same kind, empty. */
  placeBeside(): Promise<RecordsPlace>;
  close(): Promise<void>;
};

export async function embeddedStores(): Promise<RaceStores> {
  const folder = testFolder();
  const environment = { DATA_DIR: folder.path };
  return {
    kind: 'embedded',
    environment,
    direct: environment,
    async liveKeys() {
      const file = new DatabaseSync(join(folder.path, liveFile), { readOnly: true, timeout: 5000 });
      const rows = file.prepare('select key from entries where expires_at > ?').all(Date.now());
      file.close();
      return rows.map(({ key }) => String(key));
    },
    placeBeside: async () => embeddedPlace(),
    close: async () => folder.remove(),
  };
}

type Servers = { redis: string; postgres: string };

/** PostgreSQL and Redis, given by the addresses of servers that run. */
export async function redisStores({ redis, postgres }: Servers): Promise<RaceStores> {
  const url = new URL(redis);
  // One of its numbered databases: others use the server too.
  url.pathname = `/${randomInt(1, 64)}`;
  return serverStores('redis', { live: url.href, readers: [url.href], postgres });
}

/** PostgreSQL and a Redis Cluster: `nodes` are the addresses of its primaries. */
export function clusterStores({ url, nodes, postgres }: { url: string; nodes: string[]; postgres: string }) {
  return serverStores('cluster', { live: url, readers: nodes, postgres });
}

/** PostgreSQL and a primary that sentinels watch, with replicas that a write waits for. */
export function sentinelStores({
  url,
  primary,
  postgres,
}: {
  url: string;
  primary: string;
  postgres: string;
}) {
  return serverStores('sentinel', { live: url, readers: [primary], postgres });
}

/** PostgreSQL and Redis with every piece of either wire up to 30 ms late. */
export async function jitteryStores(servers: Servers): Promise<RaceStores> {
  const stores = await redisStores(servers);
  const { DATABASE_URL = '', REDIS_URL = '' } = stores.environment;
  const proxies = [await openJitterProxy(DATABASE_URL), await openJitterProxy(REDIS_URL)] as const;
  const [records, live] = proxies;
  return {
    ...stores,
    kind: 'jitter',
    environment: { ...stores.environment, DATABASE_URL: records.url, REDIS_URL: live.url },
    async close() {
      for (const proxy of proxies) await proxy.close();
      await stores.close();
      if (proxies.some((proxy) => proxy.delayed() === 0)) throw new Error('a store was not behind its proxy');
    },
  };
}

async function serverStores(
  kind: string,
  { live, readers, postgres }: { live: string; readers: string[]; postgres: string },
): Promise<RaceStores> {
  const place = await serverPlace(postgres);
  const environment = {
    DATABASE_URL: String(place.at.url),
    REDIS_URL: live,
    SECRETS_KEY: randomBytes(32).toString('base64url'),
    COOKIE_KEYS: randomBytes(32).toString('base64url'),
  };
  const reading = readers.map((url) => new Redis(url));
  return {
    kind,
    environment,
    direct: environment,
    liveKeys: async () => (await Promise.all(reading.map(scan))).flat(),
    placeBeside: () => serverPlace(postgres),
    async close() {
      for (const reader of reading) reader.disconnect();
      await place.remove();
    },
  };
}

async function scan(redis: Redis): Promise<string[]> {
  const keys = new Set<string>();
  for await (const some of redis.scanStream({ count: 5000 }))
    for (const key of some as string[]) keys.add(key);
  return [...keys];
}
