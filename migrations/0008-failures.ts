import type { Kysely } from 'kysely';

/**
 * What protects an account from guessing, kept where a restart or the loss of the live state cannot forget it: the wrong
 * tries in a row, and the browsers that signed in before and so have tries of their own.
 */
export async function up(db: Kysely<never>): Promise<void> {
  await db.schema
    .createTable('failures')
    .addColumn('subject', 'text', (c) => c.notNull())
    .addColumn('proof', 'text', (c) => c.notNull())
    // No reference: looking it up would take a moment that a try at nobody's account does not take.
    .addColumn('account_id', 'text')
    .addColumn('in_a_row', 'bigint', (c) => c.notNull())
    .addColumn('last_at', 'bigint', (c) => c.notNull())
    .addColumn('retry_at', 'bigint', (c) => c.notNull())
    .addColumn('told_at', 'bigint')
    .addPrimaryKeyConstraint('failures_key', ['subject', 'proof'] as never)
    .execute();
  await db.schema.createIndex('failures_by_age').on('failures').columns(['last_at']).execute();

  await db.schema
    .createTable('known_browsers')
    .addColumn('id', 'text', (c) => c.notNull())
    .addColumn('account_id', 'text', (c) => c.notNull().references('accounts.id').onDelete('cascade'))
    .addColumn('secret', 'text', (c) => c.notNull())
    .addColumn('first_seen_at', 'bigint', (c) => c.notNull())
    .addColumn('last_seen_at', 'bigint', (c) => c.notNull())
    .addColumn('password_failures', 'bigint', (c) => c.notNull())
    .addColumn('second_step_failures', 'bigint', (c) => c.notNull())
    .addColumn('reset_code_failures', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('known_browsers_key', ['id', 'account_id'] as never)
    .execute();
  await db.schema
    .createIndex('known_browsers_of_account')
    .on('known_browsers')
    .columns(['account_id', 'last_seen_at'])
    .execute();
}
