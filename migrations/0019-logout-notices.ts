import type { Kysely } from 'kysely';

/** Apps that are to hear that a session ended (OpenID Connect Back-Channel Logout 1.0), until they have. */
export async function up(db: Kysely<never>): Promise<void> {
  await db.schema
    .createTable('logout_notices')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('client_id', 'text', (c) => c.notNull())
    .addColumn('account_id', 'text', (c) => c.notNull())
    .addColumn('sid', 'text', (c) => c.notNull())
    .addColumn('at', 'bigint', (c) => c.notNull())
    .addColumn('attempts', 'bigint', (c) => c.notNull())
    .addColumn('next_attempt_at', 'bigint', (c) => c.notNull())
    .addUniqueConstraint('logout_notices_once', ['client_id', 'sid'])
    .execute();
  await db.schema.createIndex('logout_notices_due').on('logout_notices').column('next_attempt_at').execute();
}
