import type { Expression, ExpressionBuilder, Kysely, SqlBool } from 'kysely';
import type { Clock } from '../kit/clock.ts';
import { startRounds } from '../kit/rounds.ts';
import type { Database, Tables } from './tables.ts';

/**
 * The queues in the records: a row for each thing that is still to be sent, worked off by any process and after any
 * crash. Whoever writes a row wakes the work of its own process; the others find it at their next look.
 */
type Queue = 'messages' | 'logout_notices' | 'ciba_pings';
type Row = { id: string; attempts: number; next_attempt_at: number };

const atOnce = 10;
const wakers = new WeakMap<Database, Map<Queue, () => void>>();

export function wakeQueue(db: Database, queue: Queue): void {
  wakers.get(db)?.get(queue)?.();
}

/** Works it off from now until `stop`, which waits for what is on its way. Every process may. */
export function startQueue(
  { db }: { db: Database },
  {
    queue,
    wakesAfter,
    ...what
  }: Parameters<typeof startRounds>[0] & {
    queue: Queue;
    /** In how many milliseconds a row of this process is looked for. */
    wakesAfter: () => number;
  },
): { stop(): Promise<void> } {
  const rounds = startRounds(what);
  const here = wakers.get(db) ?? new Map<Queue, () => void>();
  wakers.set(db, here);
  here.set(queue, () => setTimeout(rounds.look, wakesAfter()).unref());
  rounds.look();
  return {
    async stop() {
      here.delete(queue);
      await rounds.stop();
    },
  };
}

type Claim<Name extends Queue> = {
  queue: Name;
  /** Longer than sending one can take: whoever holds a row that long has died with it, and it is due again. */
  lease: number;
  /** Of the rows that are due, these only. */
  only?: (eb: ExpressionBuilder<Tables, Name>) => Expression<SqlBool>;
};

/** Sends everything that is due now; `send` says itself what becomes of its row. */
export async function sendDue<Name extends Queue>(
  context: { db: Database; clock: Clock },
  { send, ...claimed }: Claim<Name> & { send: (row: Tables[Name]) => Promise<void> },
): Promise<void> {
  for (let due = await claim(context, claimed); due.length > 0; due = await claim(context, claimed)) {
    const results = await Promise.allSettled(due.map(send));
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }
}

/**
 * Takes due rows so that no other process does: the same statement that finds them moves their next attempt, and looks
 * again at each row as it does so.
 */
async function claim<Name extends Queue>(
  { db, clock }: { db: Database; clock: Clock },
  { queue, lease, only }: Claim<Name>,
): Promise<Tables[Name][]> {
  const now = clock.now();
  // What all queues have, by one name: the query builder's types follow no table that is a parameter.
  const queues = db as unknown as Kysely<{ queue: Row }>;
  const table = queue as unknown as 'queue';
  const isDue = (eb: ExpressionBuilder<{ queue: Row }, 'queue'>) =>
    eb.and([eb('next_attempt_at', '<=', now), ...(only ? [only(eb as never)] : [])]);
  const due = queues.selectFrom(table).select('id').where(isDue).orderBy('next_attempt_at').limit(atOnce);
  // Most of the time there is nothing, and looking writes nothing.
  if ((await due.execute()).length === 0) return [];
  const rows = await queues
    .updateTable(table)
    .set((eb) => ({ attempts: eb('attempts', '+', 1), next_attempt_at: now + lease }))
    .where(isDue)
    .where('id', 'in', due)
    .returningAll()
    .execute();
  return rows as unknown as Tables[Name][];
}
