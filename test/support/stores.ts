import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { Clock } from '../../src/kit/clock.ts';
import { openDatabase } from '../../src/store/database.ts';
import { migrate } from '../../src/store/migrate.ts';
import type { Database } from '../../src/store/tables.ts';

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
  const place = kind === 'sqlite' ? embeddedPlace() : await serverPlace();
  const patient = await openDatabase({ ...place.at, patient: true });
  await migrate(patient);
  await patient.destroy();
  const db = await openDatabase(place.at);
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

/** A database of its own on the run's PostgreSQL. */
export async function serverPlace(server = process.env['TEST_POSTGRES_URL'] ?? ''): Promise<Place> {
  const name = `test_${randomBytes(8).toString('hex')}`;
  await runOnServer(server, `create database ${name}`);
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
