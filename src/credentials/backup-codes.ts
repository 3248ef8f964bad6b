import { randomBytes, randomInt } from 'node:crypto';
import { done, type Outcome, refused } from '../kit/outcome.ts';
import { newId, sameSecret } from '../kit/secrets.ts';
import type { Services } from '../services.ts';
import { updateTwice } from '../store/once-more.ts';
import type { BackupCodesTable } from '../store/second-step-tables.ts';
import type { Database } from '../store/tables.ts';
import { digestOf, type HashContext, hashWithSalt, saltOf } from './password-hash.ts';

/**
 * Ten codes to print and keep, for the day when the phone is gone: look-up secrets (NIST SP 800-63B-4 section 3.1.2).
 * Fifty random bits each, hashed slowly with the salt of their set, so that one typed code costs one run of argon2 and
 * not ten. Making new ones ends the old. Each is used up by one statement.
 */
export const backupCodeCount = 10;
const length = 10;
// Crockford's base 32: no letter looks like a digit, and nothing reads like a word.
const letters = '0123456789abcdefghjkmnpqrstvwxyz';

export type BackupCodes = { left: number; madeAt: number; lastUsedAt: number | undefined };

/** New codes, as they are shown, and the rows that keep them; slow, so made before a transaction begins. */
export async function newBackupCodes(
  ctx: HashContext & Pick<Services, 'clock'>,
  { accountId }: { accountId: string },
): Promise<{ codes: string[]; rows: BackupCodesTable[] }> {
  const salt = randomBytes(16);
  const codes = new Set<string>();
  while (codes.size < backupCodeCount) codes.add(newCode());
  const rows: BackupCodesTable[] = [];
  for (const code of codes) {
    const { hash, pepperId } = await hashWithSalt(ctx, code, { salt });
    const created_at = ctx.clock.now();
    rows.push({
      id: newId(),
      account_id: accountId,
      hash,
      pepper_id: pepperId,
      created_at,
      used_at: null,
      used_by: null,
    });
  }
  return { codes: [...codes].map(shown), rows };
}

/** Puts a new set in the place of the old one; within a transaction. */
export async function replaceBackupCodes(
  tx: Database,
  { accountId, rows }: { accountId: string; rows: readonly BackupCodesTable[] },
): Promise<void> {
  await removeBackupCodes(tx, accountId);
  await tx.insertInto('backup_codes').values(rows).execute();
}

export async function removeBackupCodes(db: Database, accountId: string): Promise<void> {
  await db.deleteFrom('backup_codes').where('account_id', '=', accountId).execute();
}

/** What there is of them; undefined when none were made. */
export async function findBackupCodes(
  { db }: Pick<Services, 'db'>,
  accountId: string,
): Promise<BackupCodes | undefined> {
  const rows = await db
    .selectFrom('backup_codes')
    .select(['created_at', 'used_at'])
    .where('account_id', '=', accountId)
    .execute();
  const [first] = rows;
  if (!first) return undefined;
  const used = rows.flatMap(({ used_at }) => used_at ?? []);
  return {
    left: rows.length - used.length,
    madeAt: first.created_at,
    lastUsedAt: used.length > 0 ? Math.max(...used) : undefined,
  };
}

/** Checks a code as it was typed, and uses it up. `code_already_used` for one of these that is gone. */
export async function useBackupCode(
  ctx: HashContext & Pick<Services, 'db' | 'clock'>,
  { accountId, code }: { accountId: string; code: string },
): Promise<Outcome<{ left: number }, 'not_enrolled' | 'wrong_code' | 'code_already_used'>> {
  const rows = await ctx.db
    .selectFrom('backup_codes')
    .selectAll()
    .where('account_id', '=', accountId)
    .execute();
  const [first] = rows;
  if (!first) return refused('not_enrolled');
  const typed = typedBackupCode(code);
  if (typed === undefined) return refused('wrong_code');
  const digest = digestOf((await hashWithSalt(ctx, typed, saltOf(first))).hash);
  const found = rows.find((row) => sameSecret(digestOf(row.hash), digest));
  if (!found) return refused('wrong_code');
  if (!(await spend(ctx, found.id))) return refused('code_already_used');
  return { ...done, left: (await findBackupCodes(ctx, accountId))?.left ?? 0 };
}

/** Of two requests with one code, one is told yes. */
async function spend(ctx: Pick<Services, 'settings' | 'db' | 'clock'>, id: string): Promise<boolean> {
  const { db, clock } = ctx;
  return await updateTwice(ctx, (by) =>
    db
      .updateTable('backup_codes')
      .set({ used_at: clock.now(), used_by: by })
      .where('id', '=', id)
      .where(({ or, eb }) => or([eb('used_at', 'is', null), eb('used_by', '=', by)]))
      .executeTakeFirst(),
  );
}

/** As people type it: in capitals, with or without the dash, with the letters that look like digits. */
function typedBackupCode(text: string): string | undefined {
  if (text.length > 60) return undefined;
  const plain = text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[\p{Z}\p{Cf}\p{Pd}]/gu, '')
    .replaceAll('o', '0')
    .replace(/[il]/g, '1');
  return plain.length === length && [...plain].every((letter) => letters.includes(letter))
    ? plain
    : undefined;
}

function newCode(): string {
  return Array.from({ length }, () => letters[randomInt(letters.length)]).join('');
}

function shown(code: string): string {
  return `${code.slice(0, length / 2)}-${code.slice(length / 2)}`;
}
