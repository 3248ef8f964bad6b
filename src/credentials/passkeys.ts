import { done, type Outcome, refused } from '../kit/outcome.ts';
import { newId } from '../kit/secrets.ts';
import type { Services } from '../services.ts';
import type { Database, PasskeysTable } from '../store/tables.ts';
import type { RequestSource } from '../web/request-source.ts';
import { authenticatorName, unusedName } from './passkeys-names.ts';
import type { Registered } from './webauthn-registration.ts';

/**
 * Passkeys and security keys: key pairs of which the authenticator keeps the private half (WebAuthn Level 3). A *passkey* is found by
 * its authenticator and signs in by itself; a *security key* was added to stand beside the password. Both are rows of one
 * table, and either may be asked for as a second step.
 *
 * Here: the rows. What a ceremony must show is in webauthn-*.ts, using a key in passkeys-use.ts, the account as
 * authenticators know it in passkeys-user.ts.
 */
export type Passkey = {
  id: string;
  accountId: string;
  credentialId: string;
  kind: PasskeysTable['kind'];
  name: string;
  aaguid: string;
  transports: string[];
  backup: PasskeysTable['backup'];
  /** Undefined while it counts as one factor only. */
  verifiedSince: number | undefined;
  createdAt: number;
  createdIp: string | undefined;
  createdUserAgent: string | undefined;
  lastUsedAt: number | undefined;
  copySuspectedAt: number | undefined;
};

/** A page's worth. Enough for every device and two keys in a drawer, and few enough to know each by name. */
export const mostPasskeys = 20;

/** The oldest first. */
export async function listPasskeys({ db }: Pick<Services, 'db'>, accountId: string): Promise<Passkey[]> {
  const rows = await db
    .selectFrom('passkeys')
    .selectAll()
    .where('account_id', '=', accountId)
    .orderBy('created_at')
    .orderBy('id')
    .execute();
  return rows.map(toPasskey);
}

/** The row itself, with key and counter, for checking an assertion. Whose it is comes out of it. */
export async function findStoredPasskey(
  { db }: Pick<Services, 'db'>,
  credentialId: string,
): Promise<PasskeysTable | undefined> {
  return db.selectFrom('passkeys').selectAll().where('credential_id', '=', credentialId).executeTakeFirst();
}

export type NewPasskey = {
  accountId: string;
  kind: PasskeysTable['kind'];
  registered: Registered;
  transports: readonly string[];
  fallbackName: string;
  from: RequestSource | undefined;
};
type AddRefusal = 'already_registered' | 'too_many';

/**
 * Adds what was registered, within a transaction. `already_registered` also when it is another account's: a key that answers for two
 * would let one open the other (WebAuthn section 7.1 step 26). `fallbackName` is for authenticators that we do not know.
 */
export async function addPasskey(
  { db: tx, clock }: Pick<Services, 'db' | 'clock'>,
  given: NewPasskey,
): Promise<Outcome<{ passkey: Passkey }, AddRefusal>> {
  // Held until the end, so that of two that register at once the second one counts the first.
  await tx
    .updateTable('passkey_users')
    .set((row) => ({ handle: row.ref('handle') }))
    .where('account_id', '=', given.accountId)
    .execute();
  const others = await listPasskeys({ db: tx }, given.accountId);
  if (others.length >= mostPasskeys) return refused('too_many');
  const row = toRow(given, others, clock.now());
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('passkeys')
    .values(row)
    .onConflict((conflict) => conflict.column('credential_id').doNothing())
    .executeTakeFirst();
  if (numInsertedOrUpdatedRows !== 1n) return refused('already_registered');
  return { ...done, passkey: toPasskey(row) };
}

/** Answers whether the account has it. */
export async function renamePasskey(
  { db }: Pick<Services, 'db'>,
  { accountId, id, name }: { accountId: string; id: string; name: string },
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('passkeys')
    .set({ name })
    .where('id', '=', id)
    .where('account_id', '=', accountId)
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

/** Answers whether the account had it. Its next use finds nothing, on whatever process. */
export async function removePasskey(
  { db }: { db: Database },
  { accountId, id }: { accountId: string; id: string },
): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('passkeys')
    .where('id', '=', id)
    .where('account_id', '=', accountId)
    .executeTakeFirst();
  return numDeletedRows === 1n;
}

function toRow(
  { accountId, kind, registered, transports, fallbackName, from }: NewPasskey,
  others: readonly Passkey[],
  now: number,
): PasskeysTable {
  const { credential, data } = registered;
  const used = others.map(({ name }) => name);
  return {
    id: newId(),
    account_id: accountId,
    credential_id: Buffer.from(credential.id).toString('base64url'),
    kind,
    name: unusedName(authenticatorName(credential.aaguid) ?? fallbackName, used),
    public_key: Buffer.from(credential.publicKey).toString('base64url'),
    counter: data.counter,
    used_by: null,
    aaguid: credential.aaguid,
    transports: JSON.stringify(transports),
    backup: backupOf(data),
    // It was made by somebody who had just proved all that the account asks.
    verified_since: data.userVerified ? now : null,
    created_at: now,
    created_ip: from?.ip ?? null,
    created_user_agent: from?.userAgent ?? null,
    last_used_at: null,
    copy_suspected_at: null,
  };
}

export function backupOf({
  backupEligible,
  backedUp,
}: Pick<Registered['data'], 'backupEligible' | 'backedUp'>): PasskeysTable['backup'] {
  if (!backupEligible) return 'none';
  return backedUp ? 'backed_up' : 'eligible';
}

export function toPasskey(row: PasskeysTable): Passkey {
  return {
    id: row.id,
    accountId: row.account_id,
    credentialId: row.credential_id,
    kind: row.kind,
    name: row.name,
    aaguid: row.aaguid,
    transports: JSON.parse(row.transports),
    backup: row.backup,
    verifiedSince: row.verified_since ?? undefined,
    createdAt: row.created_at,
    createdIp: row.created_ip ?? undefined,
    createdUserAgent: row.created_user_agent ?? undefined,
    lastUsedAt: row.last_used_at ?? undefined,
    copySuspectedAt: row.copy_suspected_at ?? undefined,
  };
}
