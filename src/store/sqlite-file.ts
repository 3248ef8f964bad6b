import { closeSync, openSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { StoreUnavailable } from './live.ts';

/**
 * Opens a file of an embedded store, for several processes at once: write-ahead log, so that readers and the one writer
 * do not stop each other. The folder must be on a local disk; WAL needs memory shared between the processes.
 *
 * Nothing acknowledged is lost when the process dies (kill -9), with either durability. `power-cut`: each commit waits
 * for the disk, so that it also outlives a power cut; `crash`: a power cut may cost the last moments, never the file.
 */
export function openSqliteFile({
  file,
  durability,
  schema = '',
}: {
  file: string;
  durability: 'power-cut' | 'crash';
  /** What makes its tables if they are not there. */
  schema?: string;
}): DatabaseSync {
  // The log and the shared memory get the file's mode: none of them is for other users' eyes.
  closeSync(openSync(file, 'a', 0o600));
  // Long only while opening, when nobody is served yet: turning WAL on needs the file for a moment alone.
  const database = new DatabaseSync(file, { timeout: 5000, enableForeignKeyConstraints: true });
  try {
    turnOnWal(database);
    database.exec(`pragma synchronous = ${durability === 'power-cut' ? 'full' : 'normal'}`);
    database.exec(schema);
  } catch (error) {
    database.close();
    if (!damaged.includes(resultCode(error))) throw error;
    const why = (error as Error).message;
    throw new Error(`${file} is damaged (${why}). Bring it back from a backup.`, { cause: error });
  }
  // A wait inside SQLite stops the whole process, so the waiting is done outside, in whenFree.
  database.exec('pragma busy_timeout = 10');
  return database;
}

/** Of two processes that do it at once, each holds what the other needs: SQLite tells one of them so, and does not wait. */
function turnOnWal(database: DatabaseSync): void {
  for (let tries = 1; ; tries += 1) {
    try {
      database.exec('pragma journal_mode = wal');
      return;
    } catch (error) {
      if (resultCode(error) !== busy || tries === 100) throw error;
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5 + Math.random() * 20);
  }
}

const busy = 5;
/** Malformed, not a database at all. */
const damaged = [11, 26];
/** Locked, read-only, I/O error, full, cannot open (https://www.sqlite.org/rescode.html): the disk's or the operator's to cure. */
const notServing = [6, 8, 10, 13, 14];

/** Does the work, again while another process holds the file, for at most `patienceMs`; then StoreUnavailable. */
export async function whenFree<Result>(
  { store, patienceMs }: { store: 'records' | 'live'; patienceMs: number },
  work: () => Result,
): Promise<Result> {
  const giveUpAt = performance.now() + patienceMs;
  for (;;) {
    try {
      return work();
    } catch (error) {
      const code = resultCode(error);
      if (notServing.includes(code)) throw new StoreUnavailable(store, error);
      if (code !== busy) throw error;
      if (performance.now() > giveUpAt) throw new StoreUnavailable(store, error);
    }
    // Uneven, so that two processes do not keep meeting.
    await sleep(2 + Math.random() * 10);
  }
}

/** SQLite's primary result code; the extended one has it in its low byte. 0 for anything else. */
function resultCode(error: unknown): number {
  const code = (error as { errcode?: unknown }).errcode;
  return typeof code === 'number' ? code & 0xff : 0;
}
