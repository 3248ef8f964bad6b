import type { Kysely } from 'kysely';

/** What a person has allowed an app: one row for the pair, on any browser. */
export async function up(db: Kysely<never>): Promise<void> {
  await db.schema
    .createTable('consents')
    .addColumn('account_id', 'text', (c) => c.notNull().references('accounts.id').onDelete('cascade'))
    .addColumn('client_id', 'text', (c) => c.notNull().references('clients.client_id').onDelete('cascade'))
    .addColumn('allowed_scopes', 'text', (c) => c.notNull())
    .addColumn('declined_scopes', 'text', (c) => c.notNull())
    .addColumn('first_allowed_at', 'bigint', (c) => c.notNull())
    .addColumn('changed_at', 'bigint', (c) => c.notNull())
    .addColumn('last_used_at', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('consents_pair', ['account_id', 'client_id'] as never)
    .execute();
  await db.schema.createIndex('consents_client').on('consents').column('client_id').execute();
}
