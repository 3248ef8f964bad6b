import type { Services } from '../../src/services.ts';
import type { Database } from '../../src/store/tables.ts';
import type { Logo } from './logo.ts';

/**
 * The logos as they are kept: one for an app, our own copy, in the table `client_logos`. It changes only when somebody
 * who may change the app says so, never because the address it came from answers differently today.
 */
export type KeptLogo = {
  /** The picture as an address that holds it (RFC 2397), for pages. */
  dataUri: string;
  mediaType: string;
  size: number;
  /** The address that it was fetched from, or `file` or `data` for one that was handed in. */
  source: string;
  storedAt: number;
};

/** Answers whether that changed anything. */
export async function storeLogo(
  { db, clock }: Pick<Services, 'db' | 'clock'>,
  { clientId, logo, source }: { clientId: string; logo: Logo; source: string },
): Promise<boolean> {
  const told = { media_type: logo.mediaType, bytes: logo.bytes.toString('base64'), source };
  const row = { client_id: clientId, ...told, stored_at: clock.now() };
  const { numInsertedOrUpdatedRows } = await db
    .insertInto('client_logos')
    .values(row)
    .onConflict((conflict) =>
      conflict
        .column('client_id')
        .doUpdateSet({ ...told, stored_at: row.stored_at })
        .where((or) =>
          or.or([or('client_logos.bytes', '!=', told.bytes), or('client_logos.source', '!=', told.source)]),
        ),
    )
    .executeTakeFirstOrThrow();
  return numInsertedOrUpdatedRows === 1n;
}

export async function findLogo({ db }: { db: Database }, clientId: string): Promise<KeptLogo | undefined> {
  return (await findLogos({ db }, [clientId])).get(clientId);
}

/** The logos of these apps that have one, by their ids. */
export async function findLogos(
  { db }: { db: Database },
  clientIds: readonly string[],
): Promise<Map<string, KeptLogo>> {
  if (clientIds.length === 0) return new Map();
  const rows = await db.selectFrom('client_logos').selectAll().where('client_id', 'in', clientIds).execute();
  return new Map(
    rows.map((row) => [
      row.client_id,
      {
        dataUri: `data:${row.media_type};base64,${row.bytes}`,
        mediaType: row.media_type,
        size: Buffer.byteLength(row.bytes, 'base64'),
        source: row.source,
        storedAt: row.stored_at,
      },
    ]),
  );
}

/** False when there was none. */
export async function removeLogo({ db }: { db: Database }, clientId: string): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('client_logos')
    .where('client_id', '=', clientId)
    .executeTakeFirst();
  return numDeletedRows > 0n;
}
