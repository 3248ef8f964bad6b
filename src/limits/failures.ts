import { type RawBuilder, sql } from 'kysely';
import { days, seconds } from '../kit/durations.ts';
import { done } from '../kit/outcome.ts';
import type { Services } from '../services.ts';
import { statement } from '../store/statement.ts';
import type { FailuresTable } from '../store/tables.ts';
import { type Proof, type Waits, waitAfter, waits } from './waits.ts';

/**
 * Wrong tries in a row at an account, kept in the records: a restart, kill -9 or the loss of the live state forgets none.
 * Each is counted BEFORE it is looked at, by one statement that also judges whether it may be: of fifty at once, on
 * however many processes, no more are looked at than waits.ts allows. A right one is given back. What comes during a
 * wait is not looked at and not counted, so hammering makes no wait longer.
 *
 *   subject: `account`, an id         counted until a sign-in is complete, or the password is set anew
 *            `nobody`, a keyed digest of what was typed, so that the same statements take the same time; a day
 */
export type Subject = { account: string } | { nobody: string };
export type Refused = { ok: false; off: boolean; retryAfterSeconds: number };
type Records = Pick<Services, 'db' | 'clock'>;

/** Takes one try, or answers when there will be one. */
export async function takeTry(
  { db, clock }: Records,
  { proof, subject }: { proof: Proof; subject: Subject },
): Promise<{ ok: true } | Refused> {
  const now = clock.now();
  const row = {
    subject: nameOf(subject),
    proof,
    account_id: 'account' in subject ? subject.account : null,
    in_a_row: 1,
    last_at: now,
    retry_at: waitAfter(waits[proof], 1) && now + waitAfter(waits[proof], 1),
  };
  const { rows } = await counting[proof](db, row);
  return rows.length > 0 ? done : whyNot({ db, clock }, { proof, subject });
}

type Counted = Omit<FailuresTable, 'told_at'>;
const counting = {
  password: countingOf('password'),
  second_step: countingOf('second_step'),
  reset_code: countingOf('reset_code'),
} as const satisfies Record<Proof, unknown>;

function countingOf(proof: Proof) {
  return statement((db, row: Counted) =>
    db
      .insertInto('failures')
      .values({
        subject: row.subject,
        proof: row.proof,
        account_id: row.account_id,
        in_a_row: row.in_a_row,
        last_at: row.last_at,
        retry_at: row.retry_at,
      })
      .onConflict((conflict) =>
        conflict
          .columns(['subject', 'proof'])
          .doUpdateSet({
            in_a_row: sql`failures.in_a_row + 1`,
            last_at: sql`excluded.last_at`,
            retry_at: nextMoment(waits[proof]),
          })
          .where(sql<boolean>`failures.retry_at <= excluded.last_at`)
          .where(
            sql<boolean>`failures.in_a_row < ${sql.lit(waits[proof].offAfter ?? Number.MAX_SAFE_INTEGER)}`,
          ),
      )
      .returning('in_a_row'),
  );
}

/**
 * The end of the wait after one more, in SQL: the count is known to the statement alone. Without a wait it is 0 and not the
 * moment of the last try, which by the clock of another process, or in a request that was overtaken, is still to come.
 */
function nextMoment(of: Waits): RawBuilder<number> {
  const last = of.free + of.steps.length;
  const momentAfter = (inARow: number) => {
    const wait = waitAfter(of, inARow);
    return wait === 0 ? sql.lit(0) : sql`excluded.last_at + ${sql.lit(wait)}`;
  };
  const cases = Array.from({ length: last - 1 }, (_, at) => at + 1).map(
    (inARow) => sql`when ${sql.lit(inARow)} then ${momentAfter(inARow)}`,
  );
  return sql<number>`case failures.in_a_row + 1 ${sql.join(cases, sql` `)} else ${momentAfter(last)} end`;
}

async function whyNot(
  { db, clock }: Records,
  { proof, subject }: { proof: Proof; subject: Subject },
): Promise<Refused> {
  const row = await db
    .selectFrom('failures')
    .select(['in_a_row', 'retry_at'])
    .where('subject', '=', nameOf(subject))
    .where('proof', '=', proof)
    .executeTakeFirst();
  const waitMs = (row?.retry_at ?? 0) - clock.now();
  const retryAfterSeconds = Math.max(1, Math.ceil(waitMs / 1000));
  return { ok: false, off: isOff(proof, row?.in_a_row ?? 0), retryAfterSeconds };
}

function isOff(proof: Proof, inARow: number): boolean {
  return inARow >= (waits[proof].offAfter ?? Number.POSITIVE_INFINITY);
}

/** It was right, or could not be looked at. Only after `takeTry` said yes. */
export async function giveTryBack(
  { db }: Pick<Services, 'db'>,
  { proof, subject }: { proof: Proof; subject: Subject },
): Promise<void> {
  await givingBack(db, { subject: nameOf(subject), proof });
}

const givingBack = statement((db, { subject, proof }: { subject: string; proof: Proof }) =>
  db
    .updateTable('failures')
    // It was let in, so no wait was running.
    .set((eb) => ({ in_a_row: eb('in_a_row', '-', 1), retry_at: 0 }))
    .where('subject', '=', subject)
    .where('proof', '=', proof)
    .where('in_a_row', '>', 0),
);

/** Starts an account's counts anew. */
export async function forgetFailures(
  { db }: Pick<Services, 'db'>,
  { accountId, proofs }: { accountId: string; proofs: readonly Proof[] },
): Promise<void> {
  if (proofs.length === 0) return;
  await db
    .deleteFrom('failures')
    .where('subject', '=', nameOf({ account: accountId }))
    .where('proof', 'in', proofs)
    .execute();
}

/** The same, of what nobody tried since then; what is off stays off. */
export async function forgetQuietFailures(
  { db }: Pick<Services, 'db'>,
  { accountId, proofs, since }: { accountId: string; proofs: readonly Proof[]; since: number },
): Promise<void> {
  for (const proof of proofs)
    await db
      .deleteFrom('failures')
      .where('subject', '=', nameOf({ account: accountId }))
      .where('proof', '=', proof)
      .where('last_at', '<', since)
      .where(stillOn(proof))
      .execute();
}

function stillOn(proof: Proof): RawBuilder<boolean> {
  return sql<boolean>`in_a_row < ${sql.lit(waits[proof].offAfter ?? Number.MAX_SAFE_INTEGER)}`;
}

/** What stands against an account; for its owner, who proved to be it. */
export async function listFailures(
  { db }: Pick<Services, 'db'>,
  accountId: string,
): Promise<{ proof: Proof; inARow: number; lastAt: number; off: boolean }[]> {
  const rows = await db
    .selectFrom('failures')
    .select(['proof', 'in_a_row', 'last_at'])
    .where('subject', '=', nameOf({ account: accountId }))
    .where('in_a_row', '>', 0)
    .orderBy('proof')
    .execute();
  return rows.map(({ proof, in_a_row, last_at }) => ({
    proof: proof as Proof,
    inARow: in_a_row,
    lastAt: last_at,
    off: isOff(proof as Proof, in_a_row),
  }));
}

/**
 * Accounts whose password is off and whose owner was not told; they count as told from here on. A moment after the last
 * try: a right one is given back.
 */
export async function claimOffPasswords({ db, clock }: Records): Promise<string[]> {
  const rows = await db
    .updateTable('failures')
    .set({ told_at: clock.now() })
    .where('proof', '=', 'password')
    .where('account_id', 'is not', null)
    .where('told_at', 'is', null)
    .where('in_a_row', '>=', waits.password.offAfter ?? 0)
    .where('last_at', '<', clock.now() - 5 * seconds)
    .returning('account_id')
    .execute();
  return rows.flatMap(({ account_id }) => account_id ?? []);
}

/** Tries at nobody's account have nothing to protect: they are kept for a day, longer than any wait they could meet. */
export async function forgetNobodysFailures({ db, clock }: Records): Promise<void> {
  await db
    .deleteFrom('failures')
    .where('account_id', 'is', null)
    .where('last_at', '<', clock.now() - 1 * days)
    .execute();
}

export function nameOf(subject: Subject): string {
  return 'account' in subject ? `account ${subject.account}` : `nobody ${subject.nobody}`;
}
