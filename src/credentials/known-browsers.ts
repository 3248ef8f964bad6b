import { sql } from 'kysely';
import { days } from '../kit/durations.ts';
import { digest, newId, newSecret } from '../kit/secrets.ts';
import { mostKnownBrowsers, type Proof, triesOfKnownBrowser } from '../limits/waits.ts';
import type { Services } from '../services.ts';
import { statement } from '../store/statement.ts';

/**
 * Browsers that signed in to an account before (OWASP, "Slow down online guessing attacks with device cookies"). Such a
 * browser skips nothing; it has a few tries of its own, so that whoever uses up everybody else's does not keep the owner
 * out. Its cookie is `id.secret`: the id names the browser, with one row for each account that signed in there to the
 * end, and of the secret the rows hold the digest. The secret changes when an account is added, so a cookie planted in
 * somebody's browser is worthless once they signed in.
 */
export const knownBrowserLifeMs = 180 * days;
type Records = Pick<Services, 'db' | 'clock'>;
type Known = { token: string | undefined; accountId: string };

const failuresOf = {
  password: 'password_failures',
  second_step: 'second_step_failures',
  reset_code: 'reset_code_failures',
} as const satisfies Record<Proof, string>;

/** Takes one of the browser's own tries; no when it is not known to the account, or has none left. One statement. */
export async function takeTryOfBrowser(
  { db, clock }: Records,
  { token, accountId, proof }: Known & { proof: Proof },
): Promise<boolean> {
  const since = clock.now() - knownBrowserLifeMs;
  const { numAffectedRows } = await taking[proof](db, { ...keyOf(token), accountId, since });
  return numAffectedRows === 1n;
}

type OfAccount = { id: string; secret: string; accountId: string };

function takingOf(column: (typeof failuresOf)[Proof]) {
  return statement((db, { id, secret, accountId, since }: OfAccount & { since: number }) =>
    db
      .updateTable('known_browsers')
      .set({ [column]: sql`${sql.ref(column)} + 1` })
      .where((eb) => eb.and({ id, secret, account_id: accountId }))
      .where('last_seen_at', '>', since)
      .where(column, '<', triesOfKnownBrowser),
  );
}

const taking = {
  password: takingOf(failuresOf.password),
  second_step: takingOf(failuresOf.second_step),
  reset_code: takingOf(failuresOf.reset_code),
};

/** It was right, or could not be looked at. */
export async function giveTryBackToBrowser(
  { db }: Pick<Services, 'db'>,
  { token, accountId, proof }: Known & { proof: Proof },
): Promise<void> {
  const column = failuresOf[proof];
  await db
    .updateTable('known_browsers')
    .set({ [column]: sql`${sql.ref(column)} - 1` })
    .where((eb) => eb.and({ ...keyOf(token), account_id: accountId }))
    .where(column, '>', 0)
    .execute();
}

/**
 * Somebody signed in to the account from this browser, to the end; `others`: how many are known to it already, as read before.
 * Answers what its cookie is to hold, and whether it was known: then its own wrong tries are forgotten. Undefined when the
 * account was removed meanwhile.
 */
export async function knowBrowser(
  ctx: Records,
  { token, accountId, others }: Known & { others: number },
): Promise<{ token: string; wasKnown: boolean } | undefined> {
  if (token !== undefined && (await seenAgain(ctx, { token, accountId }))) return { token, wasKnown: true };
  try {
    return { token: await addBrowser(ctx, { token, accountId, others }), wasKnown: false };
  } catch (error) {
    // Only an account that is there has browsers, says the table; who removed it was quicker.
    if (await hasAccount(ctx, accountId)) throw error;
    return undefined;
  }
}

async function hasAccount({ db }: Records, accountId: string): Promise<boolean> {
  const row = await db.selectFrom('accounts').select('id').where('id', '=', accountId).executeTakeFirst();
  return row !== undefined;
}

/** Whether somebody signed in to the account from this browser, to the end. Changes nothing. */
export async function isKnownBrowser({ db, clock }: Records, { token, accountId }: Known): Promise<boolean> {
  if (token === undefined) return false;
  const row = await db
    .selectFrom('known_browsers')
    .select('id')
    .where((eb) => eb.and({ ...keyOf(token), account_id: accountId }))
    .where('last_seen_at', '>', clock.now() - knownBrowserLifeMs)
    .executeTakeFirst();
  return row !== undefined;
}

async function seenAgain({ db, clock }: Records, { token, accountId }: Known): Promise<boolean> {
  const now = clock.now();
  const given = { ...keyOf(token), accountId, now, since: now - knownBrowserLifeMs };
  return (await seeing(db, given)).numAffectedRows === 1n;
}

const seeing = statement(
  (db, { id, secret, accountId, now, since }: OfAccount & Record<'now' | 'since', number>) =>
    db
      .updateTable('known_browsers')
      .set({ last_seen_at: now, ...none })
      .where((eb) => eb.and({ id, secret, account_id: accountId }))
      .where('last_seen_at', '>', since),
);

const none = { password_failures: 0, second_step_failures: 0, reset_code_failures: 0 };

type Added = { id: string; account_id: string; secret: string; now: number };

async function addBrowser(
  { db, clock }: Records,
  { token, accountId, others }: Known & { others: number },
): Promise<string> {
  const former = keyOf(token);
  const takenOn = token !== undefined && (await isThere(db, former));
  const secret = newSecret();
  // Somebody else's id, or one that was given up, must not be taken on.
  const id = takenOn ? former.id : newId();
  const added: Added = { id, account_id: accountId, secret: digest(secret), now: clock.now() };
  // One statement in the place of two. Of two browsers at once one finds the oldest gone already, and goes the other way.
  if (!takenOn && others === mostKnownBrowsers && (await inPlaceOfOldest(db, added)).numAffectedRows === 1n)
    return `${id}.${secret}`;
  await adding(db, added);
  if (takenOn)
    await db
      .updateTable('known_browsers')
      .set({ secret: added.secret })
      .where((eb) => eb.and(former))
      .execute();
  if (others >= mostKnownBrowsers) await forgetOldest(db, accountId);
  return `${id}.${secret}`;
}

const adding = statement((db, { id, account_id, secret, now }: Added) => {
  const row = { secret, first_seen_at: now, last_seen_at: now, ...none };
  return db
    .insertInto('known_browsers')
    .values({ id, account_id, ...row })
    .onConflict((conflict) => conflict.columns(['id', 'account_id']).doUpdateSet(row));
});

const inPlaceOfOldest = statement((db, { id, account_id, secret, now }: Added) =>
  db
    .updateTable('known_browsers')
    .set({ id, secret, first_seen_at: now, last_seen_at: now, ...none })
    .where('account_id', '=', account_id)
    .where('id', '=', (eb) =>
      eb
        .selectFrom('known_browsers')
        .select('id')
        .where('account_id', '=', account_id)
        .orderBy('last_seen_at')
        .orderBy('id', 'desc')
        .limit(1),
    ),
);

async function isThere(db: Services['db'], key: { id: string; secret: string }): Promise<boolean> {
  const row = await db
    .selectFrom('known_browsers')
    .select('id')
    .where((eb) => eb.and(key))
    .executeTakeFirst();
  return row !== undefined;
}

async function forgetOldest(db: Services['db'], accountId: string): Promise<void> {
  await db
    .deleteFrom('known_browsers')
    .where('account_id', '=', accountId)
    .where('id', 'not in', (eb) =>
      eb
        .selectFrom('known_browsers')
        .select('id')
        .where('account_id', '=', accountId)
        .orderBy('last_seen_at', 'desc')
        .orderBy('id')
        .limit(mostKnownBrowsers),
    )
    .execute();
}

/** Whoever was in the account until now is known no more: all its browsers, or all but this one. */
export async function forgetBrowsers(
  { db }: Pick<Services, 'db'>,
  { accountId, except }: { accountId: string; except?: string | undefined },
): Promise<void> {
  let rows = db.deleteFrom('known_browsers').where('account_id', '=', accountId);
  if (except !== undefined) rows = rows.where('id', '!=', keyOf(except).id);
  await rows.execute();
}

/** Those that nobody came with for so long that their cookies are gone too. */
export async function forgetOldBrowsers({ db, clock }: Records): Promise<void> {
  await db
    .deleteFrom('known_browsers')
    .where('last_seen_at', '<', clock.now() - knownBrowserLifeMs)
    .execute();
}

/** What is no token of ours names no row: ids are never empty. */
export function keyOf(token: string | undefined): { id: string; secret: string } {
  const [, id = '', secret = ''] = /^([\w-]{22})\.([\w-]{43})$/.exec(token ?? '') ?? [];
  return { id, secret: digest(secret) };
}
