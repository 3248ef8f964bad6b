import type { Kysely } from 'kysely';

/**
 * How an app came to be registered, and what lets it look after its own registration (RFC 7592). The tokens that an
 * operator hands out for registering (RFC 7591 section 3, "initial access tokens").
 */
export async function up(db: Kysely<never>): Promise<void> {
  await db.schema.alterTable('clients').addColumn('origin', 'text').execute();
  await db.schema.alterTable('clients').addColumn('verified_at', 'bigint').execute();
  await db.schema.alterTable('clients').addColumn('registration_digest', 'text').execute();
  await db.schema
    .createTable('registration_tokens')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('digest', 'text', (c) => c.notNull())
    .addColumn('note', 'text', (c) => c.notNull())
    .addColumn('uses_left', 'integer', (c) => c.notNull())
    .addColumn('expires_at', 'bigint', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .execute();
}
