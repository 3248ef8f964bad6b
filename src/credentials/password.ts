import { QueueFull } from '../kit/bounded-queue.ts';
import { done, type Outcome, refused } from '../kit/outcome.ts';
import type { Services } from '../services.ts';
import { isCommonPassword } from './common-passwords.ts';
import { isMadeOfOwnWords } from './own-words.ts';
import {
  type HashContext,
  hashOfNobody,
  hashText,
  isOutdated,
  matchesHash,
  type PasswordHash,
} from './password-hash.ts';
import { characterCount, maxPasswordLength, passwordText } from './password-text.ts';

/**
 * This room owns what proves that it is really them: passwords, authenticator apps (totp.ts), and the codes sent to an
 * address (contact-codes.ts). It knows an account by its id only. It counts no failed sign-ins (src/limits), sends
 * nothing (src/mail) and signs nobody in (src/actions).
 *
 * This file: the password, as sign-up, change, reset, seed and the operator set it, all through `checkNewPassword`.
 */
export type PasswordRefusal = 'not_text' | 'too_short' | 'too_long' | 'too_close_to_you' | 'too_common';

/**
 * The rules for a new password, after NIST SP 800-63B-4 section 3.1.1.2: length, and a list of what attackers try
 * first; no rules on which characters, spaces welcome. `about` is what anybody knows of its owner: names, addresses.
 * `normalized` is its one form; the functions below make it themselves, from whatever was typed.
 */
export function checkNewPassword(
  { settings }: Pick<Services, 'settings'>,
  { password, about }: { password: string; about: readonly string[] },
): Outcome<{ normalized: string }, PasswordRefusal> {
  const normalized = passwordText(password);
  if (normalized === undefined) return refused('not_text');
  const count = characterCount(normalized);
  if (count < settings.PASSWORD_MIN_LENGTH) return refused('too_short');
  if (count > maxPasswordLength) return refused('too_long');
  const known = [...about, settings.BRAND_NAME, settings.issuer.host];
  if (isMadeOfOwnWords(normalized, known)) return refused('too_close_to_you');
  if (isCommonPassword(normalized)) return refused('too_common');
  return { ...done, normalized };
}

/** Slow on purpose. Do it before a transaction begins, never inside. Throws on what `checkNewPassword` calls not_text. */
export async function hashPassword(ctx: HashContext, password: string): Promise<PasswordHash> {
  const text = passwordText(password);
  if (text === undefined) throw new Error('a password that was not checked is not hashed');
  return hashText(ctx, text);
}

/** Sets or replaces the password. What else that must end (sessions, codes) is the verb's business. */
export async function setPassword(
  ctx: HashContext & Pick<Services, 'db' | 'clock'>,
  { accountId, password }: { accountId: string; password: string },
): Promise<void> {
  await storePasswordHash(ctx, { accountId, ...(await hashPassword(ctx, password)) });
}

/**
 * The quick half of `setPassword`, for a transaction in which the account is made too, and for who may set it only by what was
 * proved before: one that was set after `unlessSetAfter` (epoch ms) stands, and the answer is no.
 */
export async function storePasswordHash(
  { db, clock }: Pick<Services, 'db' | 'clock'>,
  {
    accountId,
    hash,
    pepperId,
    unlessSetAfter = Number.MAX_SAFE_INTEGER,
  }: { accountId: string; unlessSetAfter?: number } & PasswordHash,
): Promise<boolean> {
  const columns = { hash, pepper_id: pepperId, changed_at: clock.now() };
  const { numInsertedOrUpdatedRows } = await db
    .insertInto('passwords')
    .values({ account_id: accountId, ...columns })
    .onConflict((conflict) =>
      conflict.column('account_id').doUpdateSet(columns).where('passwords.changed_at', '<=', unlessSetAfter),
    )
    .executeTakeFirst();
  return numInsertedOrUpdatedRows === 1n;
}

/**
 * The same in the place of one that was proved, and only there: one that was set after `unlessSetAfter` (epoch ms) stands, and
 * where it was taken away meanwhile there is none. Answers whether it was set.
 */
export async function replacePasswordHash(
  { db, clock }: Pick<Services, 'db' | 'clock'>,
  { accountId, hash, pepperId, unlessSetAfter }: { accountId: string; unlessSetAfter: number } & PasswordHash,
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('passwords')
    .set({ hash, pepper_id: pepperId, changed_at: clock.now() })
    .where('account_id', '=', accountId)
    .where('changed_at', '<=', unlessSetAfter)
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

/** Nothing signs in with it any more; its owner sets another by the reset. */
export async function removePassword({ db }: Pick<Services, 'db'>, accountId: string): Promise<void> {
  await db.deleteFrom('passwords').where('account_id', '=', accountId).execute();
}

/** When the password was last set; undefined when there is none. */
export async function findPassword(
  { db }: Pick<Services, 'db'>,
  accountId: string,
): Promise<{ changedAt: number } | undefined> {
  const row = await db
    .selectFrom('passwords')
    .select('changed_at')
    .where('account_id', '=', accountId)
    .executeTakeFirst();
  return row && { changedAt: row.changed_at };
}

/**
 * Whether it is the account's password. Pass undefined when there is no such account: the same query and one argon2
 * run happen in any case, so that the time does not tell who has an account here. (After the cost is raised, an old
 * hash is checked at its old cost until its owner's next sign-in; no dummy can imitate a cost it does not know.)
 */
export async function verifyPassword(
  ctx: HashContext & Pick<Services, 'db'>,
  { accountId, password }: { accountId: string | undefined; password: string },
): Promise<boolean> {
  return await verifyAgainst(ctx, { accountId, stored: await readHash(ctx, accountId ?? ''), password });
}

/** The same for who has read the hash already. */
export async function verifyAgainst(
  ctx: HashContext & Pick<Services, 'db'>,
  {
    accountId,
    stored,
    password,
  }: { accountId: string | undefined; stored: PasswordHash | undefined; password: string },
): Promise<boolean> {
  const text = passwordText(password);
  const matches = await matchesHash(ctx, stored ?? hashOfNobody(ctx.settings), text ?? '');
  if (!stored || text === undefined || !matches) return false;
  if (isOutdated(ctx.settings, stored)) await renewHash(ctx, { accountId: accountId ?? '', stored, text });
  return true;
}

async function readHash({ db }: Pick<Services, 'db'>, accountId: string): Promise<PasswordHash | undefined> {
  const row = await db
    .selectFrom('passwords')
    .select(['hash', 'pepper_id'])
    .where('account_id', '=', accountId)
    .executeTakeFirst();
  return row && { hash: row.hash, pepperId: row.pepper_id };
}

/** Hashes at today's cost and pepper, now that the password is at hand. Never at the price of the sign-in itself. */
async function renewHash(
  ctx: HashContext & Pick<Services, 'db'>,
  { accountId, stored, text }: { accountId: string; stored: PasswordHash; text: string },
): Promise<void> {
  try {
    const renewed = await hashText(ctx, text);
    // Only over the hash that was checked: a password changed meanwhile must not come back.
    await ctx.db
      .updateTable('passwords')
      .set({ hash: renewed.hash, pepper_id: renewed.pepperId })
      .where('account_id', '=', accountId)
      .where('hash', '=', stored.hash)
      .execute();
  } catch (error) {
    if (!(error instanceof QueueFull)) throw error;
  }
}
