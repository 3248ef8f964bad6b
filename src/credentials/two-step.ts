import { sql } from 'kysely';
import type { Services } from '../services.ts';
import type { Database } from '../store/tables.ts';

/**
 * Whether signing in to an account asks for a second step, and which method it asks for first. The methods themselves
 * are in totp.ts, text-steps.ts, backup-codes.ts and beside them; which of them there are is for src/actions to say.
 */
export type TwoStepState = {
  turnedOnAt: number | null;
  preferred: string | null;
  devicesSince: number;
  /** Since when sign-ins may be approved on another device. */
  approvalsAt: number | null;
  approvalUsedAt: number | null;
};

export async function findTwoStep({ db }: Pick<Services, 'db'>, accountId: string): Promise<TwoStepState> {
  const row = await db
    .selectFrom('two_step')
    .select(['turned_on_at', 'preferred', 'devices_since', 'approvals_at', 'approval_used_at'])
    .where('account_id', '=', accountId)
    .executeTakeFirst();
  return {
    turnedOnAt: row?.turned_on_at ?? null,
    preferred: row?.preferred ?? null,
    devicesSince: row?.devices_since ?? 0,
    approvalsAt: row?.approvals_at ?? null,
    approvalUsedAt: row?.approval_used_at ?? null,
  };
}

/**
 * Changes the methods of an account while nobody else does. Counting and then removing is two statements, and two requests
 * that remove one each would both count two: the write of the account's own row makes the second wait for the first.
 */
export async function changeTwoStep<Result>(
  { db }: Pick<Services, 'db'>,
  accountId: string,
  change: (tx: Database) => Promise<Result>,
): Promise<Result> {
  return db.transaction().execute(async (tx) => {
    await tx
      .insertInto('two_step')
      .values({ account_id: accountId, turned_on_at: null, preferred: null, changes: 1 })
      .onConflict((conflict) =>
        conflict.column('account_id').doUpdateSet({ changes: sql<number>`two_step.changes + 1` }),
      )
      .execute();
    return change(tx);
  });
}

/** Within `changeTwoStep`. Keeps the moment when it was on already; answers whether it was not. */
export async function turnOn(tx: Database, accountId: string, now: number): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('two_step')
    .set({ turned_on_at: now })
    .where('account_id', '=', accountId)
    .where('turned_on_at', 'is', null)
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

/** Within `changeTwoStep`. */
export async function turnOff(tx: Database, accountId: string): Promise<void> {
  await tx
    .updateTable('two_step')
    .set({ turned_on_at: null, preferred: null, approvals_at: null })
    .where('account_id', '=', accountId)
    .execute();
}

/** Within `changeTwoStep`. `method` is `<kind>.<id>`; null for the order that we think best. */
export async function prefer(tx: Database, accountId: string, method: string | null): Promise<void> {
  await tx.updateTable('two_step').set({ preferred: method }).where('account_id', '=', accountId).execute();
}

/** Within `changeTwoStep`. From when sign-ins may be approved on another device; null for not at all. */
export async function allowApprovals(tx: Database, accountId: string, since: number | null): Promise<void> {
  await tx
    .updateTable('two_step')
    .set({ approvals_at: since })
    .where('account_id', '=', accountId)
    .where('approvals_at', since === null ? 'is not' : 'is', null)
    .execute();
}

export async function noteApprovalUsed(
  { db, clock }: Pick<Services, 'db' | 'clock'>,
  accountId: string,
): Promise<void> {
  await db
    .updateTable('two_step')
    .set({ approval_used_at: clock.now() })
    .where('account_id', '=', accountId)
    .execute();
}
