import type { Kysely } from 'kysely';

/** The links "It wasn't me" of notices: the secret's digest, what the notice told, and when it was pressed. */
export async function up(db: Kysely<never>): Promise<void> {
  await db.schema
    .createTable('alarms')
    .addColumn('digest', 'text', (c) => c.primaryKey())
    .addColumn('account_id', 'text', (c) => c.notNull().references('accounts.id').onDelete('cascade'))
    .addColumn('about', 'text', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('expires_at', 'bigint', (c) => c.notNull())
    .addColumn('raised_at', 'bigint')
    .execute();
  await db.schema.createIndex('alarms_account').on('alarms').column('account_id').execute();
  await db.schema.createIndex('alarms_expiry').on('alarms').column('expires_at').execute();
}
