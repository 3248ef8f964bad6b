import { Migrator } from 'kysely/migration';
import { migrations } from '../../migrations/index.ts';
import type { Database } from './tables.ts';

/**
 * Brings the records up to date; nothing to do is quick. Safe when several processes start at once: PostgreSQL's
 * advisory lock, or SQLite's one writer, lets the first do the work and the others find it done.
 * Open `db` as patient: waiting for that lock, and building an index, take longer than a page may.
 */
export async function migrate(db: Database): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations } });
  const { error } = await migrator.migrateToLatest();
  if (error) throw error;
}
