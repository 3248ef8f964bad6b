import type { Kysely } from 'kysely';

/** Whether somebody approves sign-ins on another of their devices, and when one was approved last. */
export async function up(db: Kysely<never>): Promise<void> {
  await db.schema.alterTable('two_step').addColumn('approvals_at', 'bigint').execute();
  await db.schema.alterTable('two_step').addColumn('approval_used_at', 'bigint').execute();
}
