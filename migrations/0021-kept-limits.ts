import type { Kysely } from 'kysely';

/**
 * Limits that protect an account, where the loss of the live state cannot forget them (src/limits/kept-limits.ts). What servers
 * of the version before counted in the live state is not moved: while both run, each version counts its own.
 */
export async function up(db: Kysely<never>): Promise<void> {
  await db.schema
    .createTable('kept_limits')
    .addColumn('account_id', 'text', (c) => c.notNull().references('accounts.id').onDelete('cascade'))
    .addColumn('name', 'text', (c) => c.notNull())
    .addColumn('app', 'text', (c) => c.notNull())
    .addColumn('count', 'bigint', (c) => c.notNull())
    .addColumn('ends_at', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('kept_limits_key', ['account_id', 'name', 'app'] as never)
    .execute();
  await db.schema.createIndex('kept_limits_by_end').on('kept_limits').column('ends_at').execute();
}
