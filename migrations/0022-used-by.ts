import type { Kysely } from 'kysely';

/** Who used something up last, a name of that one request: its own repeat, after a lost reply, is recognised by it. */
export async function up(db: Kysely<never>): Promise<void> {
  for (const table of ['totp_credentials', 'backup_codes', 'passkeys'])
    await db.schema.alterTable(table).addColumn('used_by', 'text').execute();
}
