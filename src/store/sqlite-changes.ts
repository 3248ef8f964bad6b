import { sql } from 'kysely';
import { startRounds } from '../kit/rounds.ts';
import { keptTables, type RecordChanges } from './record-changes.ts';
import type { Database } from './tables.ts';

/** A change is known everywhere within 100 ms: this, and the reading of what changed. */
export const lookEveryMs = 40;

/**
 * Hears of what other processes wrote into the embedded records, the command line beside the server: SQLite counts
 * their commits (https://www.sqlite.org/pragma.html#pragma_data_version; our own it does not count). It does not say
 * what changed, and such writes are rare: everything kept is forgotten.
 */
export function hearSqlite(db: Database, changes: RecordChanges): { stop(): Promise<void> } {
  let known: number | undefined;
  async function look(): Promise<void> {
    // Behind a transaction of our own it may wait for as long as a page may: until then nobody can say what changed.
    const late = setTimeout(() => changes.hear(false), 800).unref();
    const asked = sql<{ data_version: number }>`pragma data_version`.execute(db);
    const { rows } = await asked.finally(() => clearTimeout(late));
    const version = rows[0]?.data_version;
    if (known !== undefined && version !== known)
      for (const table of keptTables) changes.tell({ table, id: undefined });
    known = version;
    changes.hear(true);
  }
  return startRounds({ every: lookEveryMs, work: look, failed: () => changes.hear(false) });
}
