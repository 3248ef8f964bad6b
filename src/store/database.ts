import { join } from 'node:path';
import { Kysely } from 'kysely';
import { makeDataFolder, recordsFile } from './data-folder.ts';
import { postgresDialect } from './postgres-dialect.ts';
import { sqliteDialect } from './sqlite-dialect.ts';
import { openSqliteFile } from './sqlite-file.ts';
import type { Database, Tables } from './tables.ts';
import type { Wrote } from './written-tables.ts';

/**
 * This room owns the two stores and their two homes each: the records (here, tables.ts, migrate.ts) and the live state
 * (live.ts). It knows no noun: which rows mean what is the business of the room named in tables.ts.
 */

/**
 * Opens the records: PostgreSQL at `url`, else SQLite in `dataDir`. Inside a transaction use its `tx` alone: the
 * embedded home has one connection, and a query on `db` waits for the transaction it stands in, then fails.
 * `timeoutMs`: within which a query is answered or fails with StoreUnavailable. `patient`: for migrations and long reports, not
 * for pages: no such limit. `wrote` hears of this process's own
 * writes to what is kept in memory (record-changes.ts).
 */
export async function openDatabase({
  url,
  dataDir,
  timeoutMs = 1000,
  patient = false,
  wrote = () => {},
}: {
  url?: string | undefined;
  dataDir: string;
  timeoutMs?: number;
  patient?: boolean;
  wrote?: Wrote;
}): Promise<Database> {
  if (url) return new Kysely<Tables>({ dialect: postgresDialect({ url, timeoutMs, patient, wrote }) });
  makeDataFolder(dataDir);
  // What people decided is worth waiting for the disk.
  const file = openSqliteFile({ file: join(dataDir, recordsFile), durability: 'power-cut' });
  const patienceMs = patient ? 60_000 : 0.8 * timeoutMs;
  return new Kysely<Tables>({ dialect: sqliteDialect({ file, patienceMs, wrote }) });
}
