import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Provider } from 'oidc-provider';
import { type BoundedQueue, openBoundedQueue } from './kit/bounded-queue.ts';
import { type Clock, systemClock } from './kit/clock.ts';
import { openSeals, type Seals } from './kit/sealing.ts';
import type { Settings } from './settings.ts';
import { keptSecrets, liveFile } from './store/data-folder.ts';
import { openDatabase } from './store/database.ts';
import type { LiveStore } from './store/live.ts';
import { openLiveRedis } from './store/live-redis.ts';
import { watchRedis } from './store/live-redis-watch.ts';
import { openLiveSqlite } from './store/live-sqlite.ts';
import { migrate } from './store/migrate.ts';
import { hearPostgres } from './store/postgres-changes.ts';
import { openRecordChanges, type RecordChanges } from './store/record-changes.ts';
import { hearSqlite } from './store/sqlite-changes.ts';
import type { Database } from './store/tables.ts';
import { whenStarted } from './store/when-started.ts';
import { type AddressPlaces, openAddressPlaces } from './web/address-places.ts';
import { type Log, openLog } from './web/log.ts';
import { type Metrics, openMetrics } from './web/metrics.ts';

/** The outside world, handed down by name: what a function can touch is its first line. */
export type Services = {
  settings: Settings;
  clock: Clock;
  db: Database;
  /** Word of changed apps, accounts and keys, for whoever keeps copies of them. */
  changes: RecordChanges;
  live: LiveStore;
  seals: Seals;
  /** Bounds how many slow password hashes run and wait, so that they cannot starve the token endpoint. */
  hashQueue: BoundedQueue;
  log: Log;
  metrics: Metrics;
  /** Where addresses are, if the operator brought a database along. */
  places: AddressPlaces;
};

/** The services and the engine. `provider` is a getter: key rotation puts a new instance in its place. */
export type App = Services & { readonly provider: Provider };

export type OpenServices = Services & {
  /** Closes the stores, once nothing uses them any more. */
  close(): Promise<void>;
};

/**
 * Opens everything: brings the records up to date, reads or makes the secrets, and waits for stores that are still
 * starting. In the settings of the answer SECRETS_KEY and COOKIE_KEYS are always set.
 */
export async function openServices(
  given: Settings,
  { clock = systemClock, log = openLog({ level: given.LOG_LEVEL }) }: { clock?: Clock; log?: Log } = {},
): Promise<OpenServices> {
  const { SECRETS_KEY, COOKIE_KEYS, seals } = openSecrets(given);
  const settings = { ...given, SECRETS_KEY, COOKIE_KEYS };
  const places = openAddressPlaces(settings.GEO_DATABASE);
  const changes = openRecordChanges();
  const db = await openRecords(settings, log, changes);
  const metrics = openMetrics();
  const live = await openLive(settings, { clock, log, metrics }).catch(async (error) => {
    await db.destroy();
    throw error;
  });
  const hearing = settings.DATABASE_URL
    ? hearPostgres(settings.DATABASE_URL, changes)
    : hearSqlite(db, changes);
  return {
    settings,
    clock,
    db,
    changes,
    live,
    seals,
    hashQueue: openBoundedQueue({
      width: availableParallelism(),
      depth: settings.HASH_QUEUE,
      retryAfter: 2,
    }),
    log,
    metrics,
    places,
    async close() {
      await hearing.stop();
      await live.close().finally(() => db.destroy());
    },
  };
}

function openSecrets({ SECRETS_KEY, COOKIE_KEYS, DATA_DIR }: Settings) {
  const secrets = SECRETS_KEY && COOKIE_KEYS ? { SECRETS_KEY, COOKIE_KEYS } : keptSecrets(DATA_DIR);
  const chosen = {
    SECRETS_KEY: SECRETS_KEY ?? secrets.SECRETS_KEY,
    COOKIE_KEYS: COOKIE_KEYS ?? secrets.COOKIE_KEYS,
  };
  return { ...chosen, seals: openSeals(chosen.SECRETS_KEY.map((key) => Buffer.from(key, 'base64url'))) };
}

async function openRecords(
  { DATABASE_URL, DATA_DIR, STORE_TIMEOUT_MS }: Settings,
  log: Log,
  changes: RecordChanges,
): Promise<Database> {
  const place = { url: DATABASE_URL, dataDir: DATA_DIR };
  const patient = await openDatabase({ ...place, patient: true });
  try {
    await whenStarted(log, 'records', () => migrate(patient));
  } finally {
    await patient.destroy();
  }
  return openDatabase({
    ...place,
    timeoutMs: STORE_TIMEOUT_MS,
    wrote: (table) => changes.tell({ table, id: undefined }),
  });
}

async function openLive(
  settings: Settings,
  { clock, log, metrics }: Pick<Services, 'clock' | 'log' | 'metrics'>,
): Promise<LiveStore> {
  const { REDIS_URL, REDIS_WAIT_REPLICAS, REDIS_WAIT_MS, STORE_TIMEOUT_MS: timeoutMs, DATA_DIR } = settings;
  if (!REDIS_URL) return openLiveSqlite({ file: join(DATA_DIR, liveFile), clock, timeoutMs });
  const waiting = { waitReplicas: REDIS_WAIT_REPLICAS, waitMs: REDIS_WAIT_MS, timeoutMs };
  const live = openLiveRedis({ url: REDIS_URL, clock, ...waiting });
  try {
    const stopWatching = await whenStarted(log, 'live', () => watchRedis(live, { log, metrics }));
    return {
      ...live,
      close() {
        stopWatching();
        return live.close();
      },
    };
  } catch (error) {
    await live.close();
    throw error;
  }
}
