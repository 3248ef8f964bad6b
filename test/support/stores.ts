import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import pg from 'pg';
import type { Clock } from '../../src/kit/clock.ts';
import { openServices, type Services } from '../../src/services.ts';
import { readSettings } from '../../src/settings.ts';
import { openDatabase } from '../../src/store/database.ts';
import type { LiveStore } from '../../src/store/live.ts';
import { openLiveRedis } from '../../src/store/live-redis.ts';
import { openLiveSqlite } from '../../src/store/live-sqlite.ts';
import { migrate } from '../../src/store/migrate.ts';
import type { Database } from '../../src/store/tables.ts';
import { patienceMs, patient } from './patience.ts';
import { preparedDatabase } from './prepared-stores.ts';

/**
 * Real stores for tests. The embedded kinds need nothing; PostgreSQL and Redis are those of TEST_POSTGRES_URL and
 * TEST_REDIS_URL, which scripts/test.mjs starts for the run. Every opened store is empty and nobody else's.
 */
export type DatabaseKind = 'sqlite' | 'postgres';
export type LiveKind = 'sqlite' | 'redis';

export const databaseKinds: DatabaseKind[] = process.env['TEST_POSTGRES_URL']
  ? ['sqlite', 'postgres']
  : ['sqlite'];
export const liveKinds: LiveKind[] = process.env['TEST_REDIS_URL'] ? ['sqlite', 'redis'] : ['sqlite'];

export type TestClock = Clock & { advance(ms: number): void };

/** Stands still until it is moved. */
export function testClock(startMs: number = Date.now()): TestClock {
  let now = startMs;
  return {
    now: () => now,
    advance(ms) {
      now += ms;
    },
  };
}

export function testFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'latchkey-test-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true, maxRetries: 5 }) };
}

export async function openTestDatabase(
  kind: DatabaseKind,
): Promise<{ db: Database; close(): Promise<void> }> {
  const place = kind === 'sqlite' ? embeddedPlace() : await preparedPlace();
  const patient = await openDatabase({ ...place.at, patient: true });
  await migrate(patient);
  await patient.destroy();
  const db = await openDatabase({ ...place.at, timeoutMs: patienceMs });
  return {
    db,
    async close() {
      await db.destroy();
      await place.remove();
    },
  };
}

type Place = { at: { url?: string; dataDir: string }; remove(): Promise<void> };

export function embeddedPlace(): Place {
  const folder = testFolder();
  return { at: { dataDir: folder.path }, remove: async () => folder.remove() };
}

/** An empty database of its own on the run's PostgreSQL. */
export function serverPlace(server?: string): Promise<Place> {
  return placeLike('template1', server);
}

/** One with all tables, where the run has prepared them (prepared-stores.ts). */
export function preparedPlace(): Promise<Place> {
  return placeLike(process.env['TEST_PREPARED'] ? preparedDatabase : 'template1');
}

async function placeLike(template: string, server = process.env['TEST_POSTGRES_URL'] ?? ''): Promise<Place> {
  const name = `test_${randomBytes(8).toString('hex')}`;
  await runOnServer(server, `create database ${name} template ${template}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  return {
    at: { url: url.href, dataDir: '' },
    remove: () => runOnServer(server, `drop database ${name} with (force)`),
  };
}

async function runOnServer(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(sql);
  await client.end();
}

/**
 * The address of a database of its own on the run's Redis, which has many (scripts/test.mjs): what is counted by the
 * addresses of people, or by everybody, is counted apart. They are given out in turn by their Redis, to all processes.
 */
export async function ownRedisDatabase(server = process.env['TEST_REDIS_URL'] ?? ''): Promise<string> {
  const redis = new Redis(server);
  try {
    const url = new URL(server);
    url.pathname = `/${await redis.incr('databases given out')}`;
    return url.href;
  } finally {
    redis.disconnect();
  }
}

export type TestLive = {
  live: LiveStore;
  clock: TestClock;
  /** Lets time pass for what is stored: the clock for SQLite, really waiting for Redis, which expires by its own time. */
  pass(ms: number): Promise<void>;
  close(): Promise<void>;
};

export async function openTestLive(kind: LiveKind): Promise<TestLive> {
  const clock = testClock();
  if (kind === 'redis') return openTestLiveAt(process.env['TEST_REDIS_URL'] ?? '', clock);
  const folder = testFolder();
  const live = openLiveSqlite({ file: join(folder.path, 'live.db'), clock, timeoutMs: patienceMs });
  return {
    live,
    clock,
    pass: async (ms) => clock.advance(ms),
    async close() {
      await live.close();
      folder.remove();
    },
  };
}

/** On a Redis of whichever form, among keys of its own. */
export async function openTestLiveAt(url: string, clock = testClock()): Promise<TestLive> {
  const prefix = `${randomBytes(8).toString('hex')}:`;
  const live = openLiveRedis({ url, prefix, clock, timeoutMs: patienceMs });
  // Answers when every server of it does.
  await untilAnswering({ ping: async () => void (await live.examine()) });
  return {
    live,
    clock,
    async pass(ms) {
      clock.advance(ms);
      await sleep(ms);
    },
    close: () => live.close(),
  };
}

/** A Redis connection is made in the background and calls fail until it stands. */
export async function untilAnswering(store: { ping(): Promise<void> }, withinMs = 30_000): Promise<void> {
  const giveUpAt = performance.now() + withinMs;
  for (;;) {
    try {
      return await store.ping();
    } catch (error) {
      if (performance.now() > giveUpAt) throw error;
      await sleep(20);
    }
  }
}

export type TestServices = Services & { clock: TestClock; close(): Promise<void> };

/** Everything a verb may ask for, on embedded stores of its own; `overrides` are settings as the environment gives them. */
export async function openTestServices(overrides: Record<string, string> = {}): Promise<TestServices> {
  const folder = testFolder();
  const clock = testClock();
  const settings = readSettings({ DATA_DIR: folder.path, LOG_LEVEL: 'silent', ...patient, ...overrides });
  const services = await openServices(settings, { clock });
  return {
    ...services,
    clock,
    async close() {
      await services.close();
      folder.remove();
    },
  };
}
