import { digest, newId, newSecret, sameSecret } from '../../src/kit/secrets.ts';
import type { Services } from '../../src/services.ts';

/**
 * What lets somebody register an app over HTTP where not everybody may (RFC 7591 section 3, the "initial access token").
 * An operator makes one for so many apps and so long. The text is `id.secret`; only the secret's digest is kept.
 */
export type RegistrationToken = {
  id: string;
  note: string;
  usesLeft: number;
  expiresAt: number;
  createdAt: number;
};

type Context = Pick<Services, 'db' | 'clock'>;

/** The text is answered this once. */
export async function addRegistrationToken(
  { db, clock }: Context,
  { note, uses, lifetimeMs }: { note: string; uses: number; lifetimeMs: number },
): Promise<RegistrationToken & { text: string }> {
  const id = newId();
  const secret = newSecret();
  const createdAt = clock.now();
  const expiresAt = createdAt + lifetimeMs;
  await db
    .insertInto('registration_tokens')
    .values({
      id,
      digest: digest(secret),
      note,
      uses_left: uses,
      expires_at: expiresAt,
      created_at: createdAt,
    })
    .execute();
  return { id, note, usesLeft: uses, expiresAt, createdAt, text: `${id}.${secret}` };
}

/** Those that are good still, the newest first. */
export async function listRegistrationTokens({ db, clock }: Context): Promise<RegistrationToken[]> {
  const rows = await db
    .selectFrom('registration_tokens')
    .selectAll()
    .where('expires_at', '>', clock.now())
    .where('uses_left', '>', 0)
    .orderBy('created_at', 'desc')
    .execute();
  return rows.map((row) => ({
    id: row.id,
    note: row.note,
    usesLeft: row.uses_left,
    expiresAt: row.expires_at,
    createdAt: row.created_at,
  }));
}

/** False when there was none. Those that are over are forgotten on the way. */
export async function removeRegistrationToken({ db, clock }: Context, id: string): Promise<boolean> {
  await db.deleteFrom('registration_tokens').where('expires_at', '<=', clock.now()).execute();
  const { numDeletedRows } = await db
    .deleteFrom('registration_tokens')
    .where('id', '=', id)
    .executeTakeFirst();
  return numDeletedRows > 0n;
}

/** The id of the token whose text this is, when it is good now. Takes nothing of it. */
export async function findRegistrationToken(
  { db, clock }: Context,
  text: string,
): Promise<string | undefined> {
  const [id = '', secret = ''] = text.split('.', 2);
  const row = await db
    .selectFrom('registration_tokens')
    .select(['digest'])
    .where('id', '=', id)
    .where('expires_at', '>', clock.now())
    .where('uses_left', '>', 0)
    .executeTakeFirst();
  return row && sameSecret(row.digest, digest(secret)) ? id : undefined;
}

/** Takes one use in one step. False when the last one was taken, or it was revoked, meanwhile. */
export async function useRegistrationToken({ db, clock }: Context, id: string): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('registration_tokens')
    .set((row) => ({ uses_left: row('uses_left', '-', 1) }))
    .where('id', '=', id)
    .where('uses_left', '>', 0)
    .where('expires_at', '>', clock.now())
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

/** Puts back a use that was taken, where no app came of it. */
export async function returnUse({ db }: Pick<Context, 'db'>, id: string): Promise<void> {
  await db
    .updateTable('registration_tokens')
    .set((row) => ({ uses_left: row('uses_left', '+', 1) }))
    .where('id', '=', id)
    .execute();
}
