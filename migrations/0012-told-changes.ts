import { type Kysely, PostgresAdapter, sql } from 'kysely';

/**
 * PostgreSQL tells every listening process which app, account or signing key changed, with the commit that changed it
 * (src/store/postgres-changes.ts). The embedded home has no such thing and needs none: src/store/sqlite-changes.ts.
 */
export async function up(db: Kysely<never>): Promise<void> {
  if (!(db.getExecutor().adapter instanceof PostgresAdapter)) return;
  await sql`
    create function latchkey_tell() returns trigger language plpgsql as $$
    declare
      changed jsonb := to_jsonb(case when tg_op = 'DELETE' then old else new end);
    begin
      perform pg_notify('latchkey_records', tg_argv[0] || ':' || (changed ->> tg_argv[1]));
      return null;
    end $$`.execute(db);
  for (const [table, kept, column] of told)
    await sql`
      create trigger latchkey_tell after insert or update or delete on ${sql.table(table)}
      for each row execute function latchkey_tell(${sql.lit(kept)}, ${sql.lit(column)})`.execute(db);
}

/** The table, whose copy a row of it is part of, and the column that names that copy. */
const told = [
  ['clients', 'clients', 'client_id'],
  ['client_secrets', 'clients', 'client_id'],
  ['accounts', 'accounts', 'id'],
  ['contacts', 'accounts', 'account_id'],
  ['signing_keys', 'signing_keys', 'kid'],
] as const;
