import { createHash, createHmac } from 'node:crypto';
import type { Services } from '../services.ts';

/**
 * A pepper is a secret of the server mixed into every password hash: who steals the records alone has nothing to
 * guess against. PASSWORD_PEPPER lists them newest first; each hash names the one it was made with, so older ones
 * still verify (NIST SP 800-63B-4 section 3.1.1.2, "keyed hash ... using a secret key").
 */
export type Pepper = { id: string; key: Buffer };

/** Thrown when a hash names a pepper that the settings no longer have: an operator's mistake, never a wrong password. */
export class PepperMissing extends Error {
  constructor(pepperIds: readonly string[]) {
    super(
      `PASSWORD_PEPPER lacks ${pepperIds.map((id) => `"${id}"`).join(', ')}, with which stored passwords were hashed. Put the old value back behind the newest one.`,
    );
    this.name = 'PepperMissing';
  }
}

export function newestPepper(settings: Services['settings']): Pepper | undefined {
  return peppers(settings)[0];
}

/** The pepper a hash names: undefined for none. Throws PepperMissing rather than ever hashing without it. */
export function pepperNamed(settings: Services['settings'], pepperId: string | null): Pepper | undefined {
  if (pepperId === null) return undefined;
  const pepper = peppers(settings).find(({ id }) => id === pepperId);
  if (!pepper) throw new PepperMissing([pepperId]);
  return pepper;
}

/** Call at start: throws PepperMissing when a stored hash needs a pepper that is not in the settings. */
export async function requirePeppers({ db, settings }: Pick<Services, 'db' | 'settings'>): Promise<void> {
  const named = await db
    .selectFrom('passwords')
    .select('pepper_id')
    .where('pepper_id', 'is not', null)
    .union(db.selectFrom('backup_codes').select('pepper_id').where('pepper_id', 'is not', null))
    .execute();
  const known = new Set(peppers(settings).map(({ id }) => id));
  const missing = named.flatMap(({ pepper_id: id }) => (id === null || known.has(id) ? [] : [id]));
  if (missing.length > 0) throw new PepperMissing(missing);
}

/** What argon2 is given in the password's place. HMAC rather than argon2's own secret, so that any argon2 can follow. */
export function peppered(pepper: Pepper | undefined, text: string): Buffer {
  return pepper ? createHmac('sha256', pepper.key).update(text).digest() : Buffer.from(text);
}

function peppers(settings: Services['settings']): Pepper[] {
  return (settings.PASSWORD_PEPPER ?? []).map((text) => {
    const key = Buffer.from(text, 'base64url');
    // Eight characters of a hash of 256 random bits say nothing about them.
    return { id: createHash('sha256').update('pepper id ').update(key).digest('base64url').slice(0, 8), key };
  });
}
