import { days } from '../kit/durations.ts';
import { done, type Outcome, refused } from '../kit/outcome.ts';
import { digest, newId, newSecret, sameSecret } from '../kit/secrets.ts';
import type { Services } from '../services.ts';
import type { TrustedDevicesTable } from '../store/second-step-tables.ts';
import type { Database } from '../store/tables.ts';
import { browserFamily } from '../web/browser-family.ts';
import type { RequestSource } from '../web/request-source.ts';

/**
 * Browsers that may skip the second step of one account, and nothing else: never the first factor, never a fresh proof.
 * The browser holds `id.secret` in a cookie; we keep the digest. The end is fixed when it is made and does not move with
 * use. The secret is not replaced at use: an answer that is lost on the way would cost an honest person their device, and
 * whoever can copy this cookie can copy the session beside it.
 *
 *   trusted --30 days, removed, password set anew, a method removed, a lock, another browser shows it--> gone
 */
export const mostTrustedDevices = 20;

export type TrustedDevice = {
  id: string;
  name: string | undefined;
  userAgent: string;
  firstIp: string;
  lastIp: string;
  createdAt: number;
  lastUsedAt: number | undefined;
  expiresAt: number;
};

type Context = Pick<Services, 'db' | 'clock' | 'settings'>;

/**
 * Trusts the browser from here on. `provedAt`: when the first factor of this sign-in was proved; what voids devices after
 * that moment voids this one too, however the two requests race.
 */
export async function addTrustedDevice(
  { db, clock, settings }: Context,
  { accountId, provedAt, from }: { accountId: string; provedAt: number; from: RequestSource },
): Promise<{ id: string; token: string; expiresAt: number }> {
  const [id, secret, now] = [newId(), newSecret(), clock.now()];
  const expiresAt = now + settings.TRUSTED_DEVICE_DAYS * days;
  await db
    .insertInto('trusted_devices')
    .values({
      id,
      account_id: accountId,
      digest: digest(secret),
      name: null,
      browser: browserFamily(from.userAgent),
      user_agent: from.userAgent,
      first_ip: from.ip,
      last_ip: from.ip,
      proved_at: provedAt,
      created_at: now,
      last_used_at: null,
      expires_at: expiresAt,
    })
    .execute();
  await forgetOldest(db, { accountId, now });
  return { id, token: `${id}.${secret}`, expiresAt };
}

export type DeviceRefusal = 'none' | 'wrong_secret' | 'expired' | 'void' | 'other_browser';

/** Which of the cookies a browser brought is a trusted device of this account, and whether it is good in this browser. */
export async function findTrustedDevice(
  { db, clock }: Pick<Services, 'db' | 'clock'>,
  { accountId, tokens, userAgent }: { accountId: string; tokens: readonly string[]; userAgent: string },
): Promise<Outcome<{ id: string }, DeviceRefusal> & { id?: string }> {
  const held = tokens.flatMap((token) => partsOf(token) ?? []);
  const row = await ownRow(db, accountId, held);
  if (!row) return refused('none');
  const { id } = row;
  const secret = held.find((one) => one.id === id)?.secret ?? '';
  if (!sameSecret(row.digest, digest(secret))) return { ...refused('wrong_secret'), id };
  if (row.expires_at <= clock.now()) return { ...refused('expired'), id };
  if (await isVoid(db, row)) return { ...refused('void'), id };
  if (row.browser !== browserFamily(userAgent)) return { ...refused('other_browser'), id };
  return { ...done, id };
}

async function ownRow(db: Database, accountId: string, held: readonly { id: string }[]) {
  if (held.length === 0) return undefined;
  return db
    .selectFrom('trusted_devices')
    .selectAll()
    .where('account_id', '=', accountId)
    .where(
      'id',
      'in',
      held.map(({ id }) => id),
    )
    .orderBy('created_at', 'desc')
    .executeTakeFirst();
}

/** Made by a sign-in that began before everything was dropped, or before the password became another. */
async function isVoid(db: Database, { account_id, proved_at }: TrustedDevicesTable): Promise<boolean> {
  const since = await db
    .selectFrom('accounts')
    .leftJoin('two_step', 'two_step.account_id', 'accounts.id')
    .leftJoin('passwords', 'passwords.account_id', 'accounts.id')
    .select(['two_step.devices_since', 'passwords.changed_at'])
    .where('accounts.id', '=', account_id)
    .executeTakeFirst();
  return proved_at < Math.max(since?.devices_since ?? 0, since?.changed_at ?? 0);
}

/** Notes a use. The end stays where it is. */
export async function noteDeviceUsed(
  { db, clock }: Pick<Services, 'db' | 'clock'>,
  { id, from }: { id: string; from: RequestSource },
): Promise<void> {
  await db
    .updateTable('trusted_devices')
    .set({ last_used_at: clock.now(), last_ip: from.ip, user_agent: from.userAgent })
    .where('id', '=', id)
    .execute();
}

/** Those that are still good, the newest first. */
export async function listTrustedDevices(
  { db, clock }: Pick<Services, 'db' | 'clock'>,
  accountId: string,
): Promise<TrustedDevice[]> {
  const rows = await db
    .selectFrom('trusted_devices')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('expires_at', '>', clock.now())
    .orderBy('created_at', 'desc')
    .execute();
  const voided = await Promise.all(rows.map((row) => isVoid(db, row)));
  return rows
    .filter((_, at) => !voided[at])
    .map((row) => ({
      id: row.id,
      name: row.name ?? undefined,
      userAgent: row.user_agent,
      firstIp: row.first_ip,
      lastIp: row.last_ip,
      createdAt: row.created_at,
      lastUsedAt: row.last_used_at ?? undefined,
      expiresAt: row.expires_at,
    }));
}

/** Answers whether the account has it. */
export async function renameTrustedDevice(
  { db }: Pick<Services, 'db'>,
  { accountId, id, name }: { accountId: string; id: string; name: string },
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('trusted_devices')
    .set({ name: name || null })
    .where('id', '=', id)
    .where('account_id', '=', accountId)
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

/** Answers whether the account had it. */
export async function removeTrustedDevice(
  { db }: Pick<Services, 'db'>,
  { accountId, id }: { accountId: string; id: string },
): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('trusted_devices')
    .where('id', '=', id)
    .where('account_id', '=', accountId)
    .executeTakeFirst();
  return numDeletedRows === 1n;
}

/** Removes all of an account, and voids those that a sign-in under way is about to make. Answers how many there were. */
export async function removeTrustedDevices(
  { db, clock }: Pick<Services, 'db' | 'clock'>,
  accountId: string,
): Promise<number> {
  const now = clock.now();
  // The moment first: a row that is written after the list was emptied is void by it.
  await voidDevicesBefore(db, { accountId, now });
  const { numDeletedRows } = await db
    .deleteFrom('trusted_devices')
    .where('account_id', '=', accountId)
    .executeTakeFirst();
  return Number(numDeletedRows);
}

/** Nothing for an account that is gone. */
async function voidDevicesBefore(
  db: Database,
  { accountId, now }: { accountId: string; now: number },
): Promise<void> {
  await db
    .insertInto('two_step')
    .columns(['account_id', 'devices_since'])
    .expression((eb) =>
      eb
        .selectFrom('accounts')
        .select((inner) => ['accounts.id', inner.val(now).as('devices_since')])
        .where('accounts.id', '=', accountId),
    )
    .onConflict((conflict) => conflict.column('account_id').doUpdateSet({ devices_since: now }))
    .execute();
}

async function forgetOldest(
  db: Database,
  { accountId, now }: { accountId: string; now: number },
): Promise<void> {
  await db.deleteFrom('trusted_devices').where('expires_at', '<=', now).execute();
  const kept = await db
    .selectFrom('trusted_devices')
    .select('id')
    .where('account_id', '=', accountId)
    .orderBy('created_at', 'desc')
    .limit(mostTrustedDevices)
    .execute();
  await db
    .deleteFrom('trusted_devices')
    .where('account_id', '=', accountId)
    .where(
      'id',
      'not in',
      kept.map(({ id }) => id),
    )
    .execute();
}

function partsOf(token: string): { id: string; secret: string } | undefined {
  const [, id, secret] = /^([\w-]{22})\.([\w-]{43})$/.exec(token) ?? [];
  return id && secret ? { id, secret } : undefined;
}
