import type { Kysely } from 'kysely';

/** Our own copies of the apps' logos. */
export async function up(db: Kysely<never>): Promise<void> {
  await db.schema
    .createTable('client_logos')
    .addColumn('client_id', 'text', (c) => c.primaryKey().references('clients.client_id').onDelete('cascade'))
    .addColumn('media_type', 'text', (c) => c.notNull())
    .addColumn('bytes', 'text', (c) => c.notNull())
    .addColumn('source', 'text', (c) => c.notNull())
    .addColumn('stored_at', 'bigint', (c) => c.notNull())
    .execute();
}
