import type { Outcome } from '../../src/kit/outcome.ts';
import { refused } from '../../src/kit/outcome.ts';
import { digest, newSecret, sameSecret } from '../../src/kit/secrets.ts';
import type { Services } from '../../src/services.ts';
import type { Database } from '../../src/store/tables.ts';
import { bumpVersion } from '../../src/store/versions.ts';

/**
 * How an app came in: an operator registered it, or it did so itself, with a token of an operator's or without, or by a
 * document at the address that is its id.
 */
export type ClientOrigin = 'operator' | 'token' | 'open' | 'document';

/** Nobody looked at it: it came in by itself, and no operator has vouched for it since. */
export function isUnverified({
  origin,
  verifiedAt,
}: {
  origin: ClientOrigin;
  verifiedAt: number | undefined;
}): boolean {
  return (origin === 'open' || origin === 'document') && verifiedAt === undefined;
}

/** Says that an operator knows whose app it is. */
export async function verifyClient(
  { db, clock }: Pick<Services, 'db' | 'clock'>,
  clientId: string,
): Promise<Outcome<{ changed: boolean }, 'unknown_client'>> {
  const row = await db
    .selectFrom('clients')
    .select('verified_at')
    .where('client_id', '=', clientId)
    .executeTakeFirst();
  if (!row) return refused('unknown_client');
  if (row.verified_at !== null) return { ok: true, changed: false };
  await db.transaction().execute(async (tx) => {
    await tx
      .updateTable('clients')
      .set({ verified_at: clock.now() })
      .where('client_id', '=', clientId)
      .execute();
    await bumpVersion(tx, 'clients');
  });
  return { ok: true, changed: true };
}

/** What lets an app look after its own registration (RFC 7592): the text this once, the digest is kept. */
export type ManagementToken = { text: string; digest: string };

export function newManagementToken(): ManagementToken {
  const text = newSecret();
  return { text, digest: digest(text) };
}

export function isManagementToken(
  { registrationDigest }: { registrationDigest: string | undefined },
  text: string,
): boolean {
  return registrationDigest !== undefined && sameSecret(registrationDigest, digest(text));
}

/**
 * Puts a new token in the place of the one that was shown. False when somebody else did so before: of two requests that
 * race with one token, one is told no.
 */
export async function replaceManagementToken(
  { db }: { db: Database },
  { clientId, shown, next }: { clientId: string; shown: string; next: ManagementToken },
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('clients')
    .set({ registration_digest: next.digest })
    .where('client_id', '=', clientId)
    .where('registration_digest', '=', digest(shown))
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}
