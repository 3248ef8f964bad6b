import { sql } from 'kysely';
import type { Services } from '../services.ts';
import { statement } from '../store/statement.ts';

/**
 * The limits that protect an account (`kept` in limits.ts) and what its owner put a stop to, in the records: a restart, kill -9
 * or the loss of the live state forgets none, or whoever knows a password would begin anew at its owner's patience. Each
 * take is one statement that also judges whether it fits, so it is exact however many race; one that does not fit is not counted.
 *
 *   account, name, app    the account as it is, so that its rows go with it (not hashed: what else would the row hide?);
 *                         the limit's name or the stop's; the app that it is about, or nothing
 *   none or over ──take──► 1 ──take──► ... max     until `ends_at`, by our clock; then it begins anew, or is swept
 */
export type Kept = { accountId: string; name: string; app: string };
type Records = Pick<Services, 'db' | 'clock'>;
/** As the live state answers for its counters; `resetMs` is 0 when nothing runs. */
type Counted = { count: number; resetMs: number; over: boolean };

/** Counts one more if it fits; `max` is at least 1. */
export async function takeKept(
  records: Records,
  { accountId, name, app }: Kept,
  { max, windowMs }: { max: number; windowMs: number },
): Promise<Counted> {
  const now = records.clock.now();
  const { rows } = await taking(records.db, { accountId, name, app, max, now, end: now + windowMs });
  const [row] = rows;
  if (row) return { count: row.count, resetMs: row.ends_at - now, over: false };
  return { ...(await lookAtKept(records, { accountId, name, app })), over: true };
}

const taking = statement((db, row: Kept & { max: number; now: number; end: number }) =>
  db
    .insertInto('kept_limits')
    .values({ account_id: row.accountId, name: row.name, app: row.app, count: 1, ends_at: row.end })
    .onConflict((conflict) =>
      conflict
        .columns(['account_id', 'name', 'app'])
        .doUpdateSet({
          count: sql`case when kept_limits.ends_at > ${row.now} then kept_limits.count + 1 else 1 end`,
          ends_at: sql`case when kept_limits.ends_at > ${row.now} then kept_limits.ends_at else excluded.ends_at end`,
        })
        .where(sql<boolean>`kept_limits.ends_at <= ${row.now} or kept_limits.count < ${row.max}`),
    )
    .returning(['count', 'ends_at']),
);

/** What stands, counting nothing. */
export async function lookAtKept({ db, clock }: Records, { accountId, name, app }: Kept): Promise<Counted> {
  const now = clock.now();
  const { rows } = await looking(db, { accountId, name, app, now });
  const [{ count, ends_at } = { count: 0, ends_at: now }] = rows;
  return { count, resetMs: ends_at - now, over: false };
}

const looking = statement((db, { accountId, name, app, now }: Kept & { now: number }) =>
  db
    .selectFrom('kept_limits')
    .select(['count', 'ends_at'])
    .where('account_id', '=', accountId)
    .where('name', '=', name)
    .where('app', '=', app)
    .where('ends_at', '>', now),
);

/** Takes one back of what still runs. Only after `takeKept` said yes. */
export async function giveKeptBack({ db, clock }: Records, { accountId, name, app }: Kept): Promise<void> {
  await givingBack(db, { accountId, name, app, now: clock.now() });
}

const givingBack = statement((db, { accountId, name, app, now }: Kept & { now: number }) =>
  db
    .updateTable('kept_limits')
    .set((eb) => ({ count: eb('count', '-', 1) }))
    .where('account_id', '=', accountId)
    .where('name', '=', name)
    .where('app', '=', app)
    .where('count', '>', 0)
    .where('ends_at', '>', now),
);

/** What the owner of an account may put a stop to for a while. */
export type Stop = { accountId: string; name: 'approvals_held' };

/** Nobody may do it for so long from now; a stop that lasts longer stays. Can be repeated. */
export async function stopFor(
  { db, clock }: Records,
  { accountId, name }: Stop,
  lastsMs: number,
): Promise<void> {
  await db
    .insertInto('kept_limits')
    .values({ account_id: accountId, name, app: '', count: 1, ends_at: clock.now() + lastsMs })
    .onConflict((conflict) =>
      conflict
        .columns(['account_id', 'name', 'app'])
        .doUpdateSet({ ends_at: sql`excluded.ends_at` })
        .where(sql<boolean>`kept_limits.ends_at < excluded.ends_at`),
    )
    .execute();
}

export async function isStopped(records: Records, stop: Stop): Promise<boolean> {
  return (await lookAtKept(records, { ...stop, app: '' })).count > 0;
}

/** What is over says nothing any more. */
export async function forgetEndedLimits({ db, clock }: Records): Promise<void> {
  await db.deleteFrom('kept_limits').where('ends_at', '<=', clock.now()).execute();
}
