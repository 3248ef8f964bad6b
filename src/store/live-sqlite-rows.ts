import type { DatabaseSync } from 'node:sqlite';
import { type IndexMember, type LiveEntry, mostInPage } from './live.ts';

/** Made when missing. Everything in it is short-lived, so a change of shape is a new table and no migration. */
export const schema = `
  create table if not exists entries (
    key text primary key, value text not null, consumed_by text, expires_at integer not null
  ) strict, without rowid;
  create index if not exists entries_expiry on entries (expires_at);
  create table if not exists members (
    key text not null, member text not null, expires_at integer not null, primary key (key, member)
  ) strict, without rowid;
  create index if not exists members_expiry on members (expires_at);
  create table if not exists counters (
    key text primary key, count integer not null, resets_at integer not null
  ) strict, without rowid;
  create index if not exists counters_expiry on counters (resets_at);
`;

/** What SQLite can hold as an integer and JavaScript as a number. */
const forEver = Number.MAX_SAFE_INTEGER;
const whole = (time: number) => Math.min(Math.ceil(time), forEver);

/** The rows of the embedded live state, statement by statement; who may do what is decided in live-sqlite.ts. */
export function openLiveRows(database: DatabaseSync) {
  const sql = {
    entries: database.prepare(
      'select key, value, consumed_by from entries where key in (select value from json_each(?)) and expires_at > ?',
    ),
    put: database.prepare(
      'insert or replace into entries (key, value, consumed_by, expires_at) values (?, ?, null, ?)',
    ),
    overwrite: database.prepare('update entries set value = ?, expires_at = ? where key = ?'),
    consume: database.prepare(
      'update entries set consumed_by = ?, expires_at = min(expires_at, ?) where key = ?',
    ),
    remove: database.prepare('delete from entries where key = ?'),
    enlist: database.prepare('insert or replace into members (key, member, expires_at) values (?, ?, ?)'),
    strike: database.prepare('delete from members where key = ? and member = ?'),
    // In the order of the table itself: another one would have to be made anew for each page.
    members: database.prepare(
      'select member, expires_at from members where key = ? and member > ? and expires_at > ? order by member limit ?',
    ),
    count: database.prepare(`
      insert into counters (key, count, resets_at) values (:key, :amount, :end)
      on conflict (key) do update set
        count = case when resets_at > :now then count + :amount else :amount end,
        resets_at = case when resets_at > :now then resets_at else :end end
      where resets_at <= :now or count + :amount <= :most
      returning count, resets_at`),
    recount: database.prepare(`
      update counters set count = max(0, count + :amount) where key = :key and resets_at > :now
      returning count, resets_at`),
    readCount: database.prepare('select count, resets_at from counters where key = ? and resets_at > ?'),
    sweep: ['entries', 'members', 'counters'].map((table) =>
      database.prepare(
        `delete from ${table} where ${table === 'counters' ? 'resets_at' : 'expires_at'} <= ?`,
      ),
    ),
  };

  return {
    entries(keys: readonly string[], now: number): Map<string, LiveEntry> {
      const rows = sql.entries.all(JSON.stringify(keys), now) as EntryRow[];
      return new Map(
        rows.map((row) => [row.key, { value: row.value, consumedBy: row.consumed_by ?? undefined }]),
      );
    },
    put: (key: string, value: string, expiresAt: number) => sql.put.run(key, value, whole(expiresAt)),
    overwrite: (key: string, value: string, expiresAt: number) =>
      sql.overwrite.run(value, whole(expiresAt), key),
    consume: (key: string, by: string, expiresAt: number) => sql.consume.run(by, whole(expiresAt), key),
    remove: (key: string) => sql.remove.run(key),
    enlist: (key: string, member: string, expiresAt: number) => sql.enlist.run(key, member, whole(expiresAt)),
    strike: (key: string, member: string) => sql.strike.run(key, member),
    members(key: string, after: string, now: number): IndexMember[] {
      const rows = sql.members.all(key, after, now, mostInPage) as { member: string; expires_at: number }[];
      return rows.map((row) => ({ member: row.member, expiresAt: row.expires_at }));
    },
    /** `resetsAt` is undefined when no window runs and none was started. */
    count(key: string, { windowMs, amount, most = Number.MAX_SAFE_INTEGER }: Counting, now: number) {
      const changed =
        amount < 0
          ? sql.recount.get({ key, amount, now })
          : amount > 0 && amount <= most
            ? sql.count.get({ key, amount, most, now, end: whole(now + windowMs) })
            : undefined;
      const row = (changed ?? sql.readCount.get(key, now)) as CounterRow | undefined;
      return { count: row?.count ?? 0, resetsAt: row?.resets_at, over: amount > 0 && !changed };
    },
    sweep(now: number) {
      for (const statement of sql.sweep) statement.run(now);
    },
  };
}

type Counting = { windowMs: number; amount: number; most?: number | undefined };
type CounterRow = { count: number; resets_at: number };
type EntryRow = { key: string; value: string; consumed_by: string | null };
