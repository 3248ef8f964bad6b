import type { Database } from './tables.ts';

/** Marks a change of `subject` for the other processes. In a transaction, pass its `tx`: the mark comes with the change. */
export async function bumpVersion(db: Database, subject: string): Promise<void> {
  await db
    .insertInto('versions')
    .values({ subject, version: 1 })
    .onConflict((conflict) =>
      conflict.column('subject').doUpdateSet((eb) => ({ version: eb('versions.version', '+', 1) })),
    )
    .execute();
}

/** The version of each subject that ever changed. */
export async function readVersions(db: Database): Promise<Record<string, number>> {
  const rows = await db.selectFrom('versions').selectAll().execute();
  return Object.fromEntries(rows.map((row) => [row.subject, row.version]));
}
