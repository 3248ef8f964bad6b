import { type Kysely, PostgresAdapter, sql } from 'kysely';

/** The APIs that apps may get access tokens for (RFC 8707): one row each, and word of its changes (0012-told-changes.ts). */
export async function up(db: Kysely<never>): Promise<void> {
  await db.schema
    .createTable('apis')
    .addColumn('identifier', 'text', (c) => c.primaryKey())
    .addColumn('members', 'text', (c) => c.notNull())
    .addColumn('created_at', 'bigint', (c) => c.notNull())
    .addColumn('updated_at', 'bigint', (c) => c.notNull())
    .execute();
  if (!(db.getExecutor().adapter instanceof PostgresAdapter)) return;
  await sql`
    create trigger latchkey_tell after insert or update or delete on apis
    for each row execute function latchkey_tell('apis', 'identifier')`.execute(db);
}
