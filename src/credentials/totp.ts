import { generateSecret, generateURI } from 'otplib';
import { done, type Outcome, refused } from '../kit/outcome.ts';
import type { Services } from '../services.ts';
import type { Database, TotpCredentialsTable } from '../store/tables.ts';
import { burnTotpStep, matchingStep, period } from './totp-step.ts';
import { typedCode } from './typed-code.ts';

/**
 * Authenticator apps: time-based codes (RFC 6238), SHA-1, six digits, 30 seconds, which is what every app can do.
 * One step of clock difference is forgiven either way (section 5.2). An account may have several.
 * The codes themselves, and how each is used up, are in totp-step.ts.
 */
export type TotpContext = Pick<Services, 'settings' | 'db' | 'clock' | 'seals'>;
export type TotpCredential = { id: string; name: string; createdAt: number; lastUsedAt: number | undefined };

/** 160 random bits, base32: the length of the hash (RFC 4226 section 4). */
export function newTotpSecret(): string {
  return generateSecret({ length: 20 });
}

/** What the app scans. The issuer is the brand; a colon would end it early, so it has none. */
export function totpUri({
  issuer,
  account,
  secret,
}: {
  issuer: string;
  account: string;
  secret: string;
}): string {
  const withoutColon = (text: string) => text.replaceAll(':', ' ');
  return generateURI({
    issuer: withoutColon(issuer),
    label: withoutColon(account),
    secret,
    period,
    digits: 6,
  });
}

/** Adds an authenticator app, once its first code shows that it holds the secret. That code is used up by it. */
export async function enrolTotp(
  ctx: TotpContext,
  { accountId, secret, code, name }: { accountId: string; secret: string; code: string; name: string },
): Promise<Outcome<{ id: string }, 'wrong_code'>> {
  const typed = typedCode(code);
  const step = typed && (await matchingStep(ctx, secret, typed));
  if (!step) return refused('wrong_code');
  return { ...done, id: await insertTotp(ctx, { accountId, secret, name, lastUsedStep: step }) };
}

/** Adds a secret that the person's app already holds: for seeds and for moving in from another system. */
export async function addTotp(
  ctx: TotpContext,
  { accountId, secret, name }: { accountId: string; secret: string; name: string },
): Promise<Outcome<{ id: string }, 'not_a_secret'>> {
  const base32 = secret.replace(/[\s=]/g, '').toUpperCase();
  if (!/^[A-Z2-7]{16,128}$/.test(base32)) return refused('not_a_secret');
  return { ...done, id: await insertTotp(ctx, { accountId, secret: base32, name, lastUsedStep: 0 }) };
}

/** Checks a code of any of the account's apps, and uses it up. */
export async function verifyTotp(
  ctx: TotpContext,
  { accountId, code }: { accountId: string; code: string },
): Promise<Outcome<{ credentialId: string }, 'not_enrolled' | 'wrong_code' | 'code_already_used'>> {
  const credentials = await ctx.db
    .selectFrom('totp_credentials')
    .selectAll()
    .where('account_id', '=', accountId)
    .orderBy('created_at')
    .execute();
  if (credentials.length === 0) return refused('not_enrolled');
  const typed = typedCode(code);
  if (typed === undefined) return refused('wrong_code');
  return spendCode(ctx, credentials, typed);
}

async function spendCode(
  ctx: TotpContext,
  credentials: readonly TotpCredentialsTable[],
  code: string,
): Promise<Outcome<{ credentialId: string }, 'wrong_code' | 'code_already_used'>> {
  let reason: 'wrong_code' | 'code_already_used' = 'wrong_code';
  for (const { id, secret } of credentials) {
    const step = await matchingStep(ctx, ctx.seals.open('totp', secret), code);
    if (step === undefined) continue;
    if (await burnTotpStep(ctx, { id, step })) return { ...done, credentialId: id };
    reason = 'code_already_used';
  }
  return refused(reason);
}

/** It follows from the secret: a form posted twice must not enrol it twice, or each code would be good twice. */
export function totpId(
  { seals }: Pick<Services, 'seals'>,
  { accountId, secret }: { accountId: string; secret: string },
): string {
  return seals.mac('totp-id', `${accountId} ${secret}`).slice(0, 22);
}

async function insertTotp(
  { db, clock, seals }: TotpContext,
  {
    accountId,
    secret,
    name,
    lastUsedStep,
  }: { accountId: string; secret: string; name: string; lastUsedStep: number },
): Promise<string> {
  const id = totpId({ seals }, { accountId, secret });
  await db
    .insertInto('totp_credentials')
    .values({
      id,
      account_id: accountId,
      name,
      secret: seals.seal('totp', secret),
      last_used_step: lastUsedStep,
      created_at: clock.now(),
      last_used_at: null,
    })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .execute();
  return id;
}

/** The account's apps, oldest first; never their secrets. */
export async function listTotp({ db }: Pick<Services, 'db'>, accountId: string): Promise<TotpCredential[]> {
  const rows = await db
    .selectFrom('totp_credentials')
    .select(['id', 'name', 'created_at', 'last_used_at'])
    .where('account_id', '=', accountId)
    .orderBy('created_at')
    .execute();
  return rows.map(({ id, name, created_at, last_used_at }) => ({
    id,
    name,
    createdAt: created_at,
    lastUsedAt: last_used_at ?? undefined,
  }));
}

/** Answers whether the account had it. */
export async function removeTotp(
  { db }: Pick<Services, 'db'>,
  { accountId, id }: { accountId: string; id: string },
): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('totp_credentials')
    .where('id', '=', id)
    .where('account_id', '=', accountId)
    .executeTakeFirst();
  return numDeletedRows === 1n;
}

export async function removeAllTotp(db: Database, accountId: string): Promise<void> {
  await db.deleteFrom('totp_credentials').where('account_id', '=', accountId).execute();
}
