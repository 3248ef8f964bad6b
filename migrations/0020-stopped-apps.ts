import type { Kysely } from 'kysely';

/** What was issued to an app before it was stopped stays dead when it works again; and whether an app is on its way out. */
export async function up(db: Kysely<never>): Promise<void> {
  await db.schema.alterTable('clients').addColumn('issued_from', 'bigint').execute();
  await db.schema.alterTable('clients').addColumn('removing_since', 'bigint').execute();
}
