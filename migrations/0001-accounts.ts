import type { Kysely } from 'kysely';

/** Accounts, and the addresses that reach their people. */
export async function up(db: Kysely<never>): Promise<void> {
  await db.schema
    .createTable('accounts')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('profile', 'text', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('updated_at', 'bigint', (c) => c.notNull())
    .addColumn('suspended_at', 'bigint')
    .addColumn('suspended_reason', 'text')
    .addColumn('locked_at', 'bigint')
    .addColumn('locked_reason', 'text')
    .addColumn('signed_out_before', 'bigint')
    .addColumn('signed_out_except', 'text')
    .execute();

  await db.schema
    .createTable('contacts')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('account_id', 'text', (c) => c.notNull().references('accounts.id').onDelete('cascade'))
    .addColumn('channel', 'text', (c) => c.notNull())
    .addColumn('address', 'text', (c) => c.notNull())
    .addColumn('written', 'text', (c) => c.notNull())
    .addColumn('verified_at', 'bigint')
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .execute();

  // Whoever proves an address owns it; an address that nobody proved blocks nobody (account pre-hijacking).
  await db.schema
    .createIndex('contacts_proved')
    .unique()
    .on('contacts')
    .columns(['channel', 'address'])
    .where('verified_at' as never, 'is not', null)
    .execute();
  await db.schema.createIndex('contacts_address').on('contacts').columns(['channel', 'address']).execute();
  await db.schema.createIndex('contacts_account').on('contacts').column('account_id').execute();
}
