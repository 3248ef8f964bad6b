import type { Kysely } from 'kysely';

/** What apps are still to be told of answers to their CIBA requests (src/oidc/ciba/pings.ts). */
export async function up(db: Kysely<never>): Promise<void> {
  await db.schema
    .createTable('ciba_pings')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('client_id', 'text', (c) => c.notNull())
    .addColumn('ping', 'text', (c) => c.notNull())
    .addColumn('until', 'bigint', (c) => c.notNull())
    .addColumn('attempts', 'integer', (c) => c.notNull())
    .addColumn('next_attempt_at', 'bigint', (c) => c.notNull())
    .execute();
  await db.schema
    .createIndex('ciba_pings_next_attempt_at')
    .on('ciba_pings')
    .column('next_attempt_at')
    .execute();
}
