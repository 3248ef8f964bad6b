import { dirname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../kit/clock.ts';
import { minutes } from '../kit/durations.ts';
import { makeDataFolder } from './data-folder.ts';
import type { CommitResult, LiveEntry, LiveStep, LiveStore } from './live.ts';
import { checkSteps, mostInPage, onePartition, partitionOf, StoreUnavailable } from './live.ts';
import { openLiveRows, schema } from './live-sqlite-rows.ts';
import { openSqliteFile, whenFree } from './sqlite-file.ts';

/**
 * The live state in a SQLite file, for installations without Redis. A commit is one immediate transaction, so several
 * processes may share the file. What is acknowledged survives kill -9; a power cut may cost the last moments, which is
 * what Redis promises too with its usual `appendfsync everysec`. Entries expire by the clock that was handed in.
 */
export function openLiveSqlite({
  file,
  clock,
  timeoutMs = 1000,
}: {
  file: string;
  clock: Clock;
  timeoutMs?: number;
}): LiveStore {
  makeDataFolder(dirname(file));
  const database = openSqliteFile({ file, durability: 'crash', schema });
  const rows = openLiveRows(database);
  const patiently = <Result>(work: () => Result) =>
    whenFree({ store: 'live', patienceMs: 0.8 * timeoutMs }, work);

  // Expired rows are invisible already; this only gives their room back.
  const sweeper = setInterval(() => {
    patiently(() => rows.sweep(clock.now())).catch(() => {});
  }, minutes);
  sweeper.unref();

  return {
    timeoutMs,
    async read(keys) {
      onePartition(keys);
      const found = await patiently(() => rows.entries(keys, clock.now()));
      return keys.map((key) => found.get(key));
    },
    async commit(steps, { until = Number.POSITIVE_INFINITY } = {}) {
      checkSteps(steps);
      return patiently(() => {
        // It may have waited for another process. What begins here also ends here, before anybody else is told anything.
        if (performance.now() > until) throw new StoreUnavailable('live', new Error('it is too late'));
        return commit(database, rows, steps, clock.now());
      });
    },
    async members(key, from = '') {
      partitionOf(key);
      const members = await patiently(() => rows.members(key, from, clock.now()));
      return { members, next: members.length === mostInPage ? members.at(-1)?.member : undefined };
    },
    async count(key, windowMs, amount, most) {
      partitionOf(key);
      const now = clock.now();
      const counter = await patiently(() => rows.count(key, { windowMs, amount, most }, now));
      const resetMs = counter.resetsAt === undefined ? 0 : counter.resetsAt - now;
      return { count: counter.count, resetMs, over: counter.over };
    },
    async ping() {
      await patiently(() => database.exec('select 1'));
    },
    async close() {
      clearInterval(sweeper);
      if (database.isOpen) database.close();
    },
  };
}

type Rows = ReturnType<typeof openLiveRows>;

function commit(database: DatabaseSync, rows: Rows, steps: readonly LiveStep[], now: number): CommitResult {
  database.exec('begin immediate');
  try {
    for (const [place, step] of steps.entries()) {
      const reason = take(rows, step, now);
      if (!reason) continue;
      database.exec('rollback');
      return { ok: false, reason, step: place };
    }
    database.exec('commit');
    return { ok: true };
  } catch (error) {
    if (database.isTransaction) database.exec('rollback');
    throw error;
  }
}

/** Takes one step; answers why it refuses. */
function take(rows: Rows, step: LiveStep, now: number) {
  if (step.do === 'put') return void rows.put(step.key, step.value, now + step.ttlMs);
  if (step.do === 'delete') return void rows.remove(step.key);
  if (step.do === 'strike') return void rows.strike(step.key, step.member);
  if (step.do === 'enlist')
    return void (step.expiresAt > now
      ? rows.enlist(step.key, step.member, step.expiresAt)
      : rows.strike(step.key, step.member));

  const entry = rows.entries([step.key], now).get(step.key);
  if (step.do === 'expect') return entry?.value === step.value ? undefined : 'changed';
  if (step.do === 'add') return entry ? 'exists' : void rows.put(step.key, step.value, now + step.ttlMs);
  return entry ? change(rows, step, entry, now) : 'missing';
}

function change(
  rows: Rows,
  step: Extract<LiveStep, { do: 'replace' | 'consume' | 'require' | 'take' }>,
  entry: LiveEntry,
  now: number,
) {
  if (step.do === 'take') return void rows.remove(step.key);
  if (step.do === 'require') return step.unspent && entry.consumedBy !== undefined ? 'consumed' : undefined;
  if (step.do === 'replace') {
    if (entry.value !== step.expect) return 'changed';
    return void rows.overwrite(step.key, step.value, now + step.ttlMs);
  }
  if (entry.consumedBy !== undefined && entry.consumedBy !== step.by) return 'consumed';
  return void rows.consume(step.key, step.by, now + (step.keepMs ?? Number.POSITIVE_INFINITY));
}
