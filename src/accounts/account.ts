import type { Outcome } from '../kit/outcome.ts';
import { done, refused } from '../kit/outcome.ts';
import { newId } from '../kit/secrets.ts';
import type { Services } from '../services.ts';
import type { AccountsTable, ContactsTable, Database } from '../store/tables.ts';
import type { NewContact } from './contacts.ts';
import { addContacts, isProvedByAnother, isProvedTwice } from './contacts.ts';
import type { Identifier } from './identifier.ts';
import type { Profile } from './profile.ts';

/**
 * Accounts: who somebody is to us, how they are reached (contacts.ts), and whether they may come in at all. Owns the
 * tables accounts and contacts. What proves that it is really them is src/credentials; sessions and grants are the
 * provider's, so whoever suspends or removes an account also ends those: that is a verb, in src/actions.
 */
export type Account = {
  /** Random, never given to anybody else, also not after the account is gone: apps key their own records by it. */
  id: string;
  profile: Profile;
  /** The oldest first. */
  contacts: Contact[];
  createdAt: number;
  /** When the profile or a contact last changed: the claim updated_at. */
  updatedAt: number;
  /** An operator stopped the account. */
  suspendedAt: number | null;
  suspendedReason: string | null;
  /** Locked for the person's safety; recovery unlocks it. */
  lockedAt: number | null;
  lockedReason: string | null;
  /** Sessions that signed in before this moment are over, but for the one whose uid is named beside it. */
  signedOutBefore: number | null;
  signedOutExcept: string | null;
};

export type Contact = Identifier & { id: string; verifiedAt: number | null; createdAt: number };

export async function findAccount(
  { db }: Pick<Services, 'db'>,
  accountId: string,
): Promise<Account | undefined> {
  const rows = await accountRows(db).where('accounts.id', '=', accountId).execute();
  return toAccount(rows);
}

/**
 * The account that an address leads to: the one that proved it, else the only one that claims it. When several claim
 * it and none has proved it, nobody is found: whichever we chose could be the wrong person's.
 * One query whether or not there is an account, so that the time it takes does not tell.
 */
export async function findAccountByIdentifier(
  { db }: Pick<Services, 'db'>,
  { channel, address }: Pick<Identifier, 'channel' | 'address'>,
): Promise<Account | undefined> {
  const rows = await accountRows(db)
    .innerJoin('contacts as claim', 'claim.account_id', 'accounts.id')
    .where('claim.channel', '=', channel)
    .where('claim.address', '=', address)
    .select('claim.verified_at as claimProvedAt')
    .execute();
  return toAccount(theOneOf(rows));
}

/** The same rule for any rows of claims to one address. */
export function theOneOf<Row extends { id: string; claimProvedAt: number | null }>(
  rows: readonly Row[],
): readonly Row[] {
  const proved = rows.filter((row) => row.claimProvedAt !== null);
  const chosen = proved.length > 0 ? proved : rows;
  return chosen.some((row) => row.id !== chosen[0]?.id) ? [] : chosen;
}

/**
 * Adds an account with its contacts, all or nothing. `address_taken` when another account has proved one of the
 * addresses. `displaced` are accounts that claimed a now proved address without proof and have lost it (contacts.ts);
 * the verb ends their sessions. Whoever may have to ask again, since nobody knows whether a lost answer was yes, brings
 * an `accountId` of newId and gets the account that is there.
 */
export async function addAccount(
  { db, clock }: Pick<Services, 'db' | 'clock'>,
  {
    accountId = newId(),
    profile,
    contacts,
  }: { accountId?: string | undefined; profile: Profile; contacts: readonly NewContact[] },
): Promise<Outcome<{ accountId: string; displaced: string[] }, 'address_taken'>> {
  const now = clock.now();
  try {
    return await db.transaction().execute(async (tx) => {
      if (await isThere(tx, accountId)) return { ok: true, accountId, displaced: [] };
      for (const contact of contacts)
        if (await isProvedByAnother(tx, accountId, contact)) return refused('address_taken');
      await tx
        .insertInto('accounts')
        .values({ id: accountId, profile: JSON.stringify(profile), created_at: now, updated_at: now })
        .execute();
      const displaced = await addContacts(tx, accountId, contacts, now);
      return { ok: true, accountId, displaced };
    });
  } catch (error) {
    // Somebody proved the same address between our look and our write; the index decides.
    if (isProvedTwice(error)) return refused('address_taken');
    throw error;
  }
}

async function isThere(tx: Database, accountId: string): Promise<boolean> {
  const rows = await tx.selectFrom('accounts').select('id').where('id', '=', accountId).execute();
  return rows.length > 0;
}

/** Puts `profile` in the place of the whole old one. */
export function changeProfile(
  { db, clock }: Pick<Services, 'db' | 'clock'>,
  { accountId, profile }: { accountId: string; profile: Profile },
): Promise<AccountChange> {
  return change(db, accountId, { profile: JSON.stringify(profile), updated_at: clock.now() });
}

/** An operator stops the account until it is reinstated; `reason` is for operators. */
export function suspendAccount(
  { db, clock }: Pick<Services, 'db' | 'clock'>,
  { accountId, reason }: { accountId: string; reason: string },
): Promise<AccountChange> {
  return change(db, accountId, { suspended_at: clock.now(), suspended_reason: reason });
}

export function reinstateAccount(
  { db }: Pick<Services, 'db'>,
  { accountId }: { accountId: string },
): Promise<AccountChange> {
  return change(db, accountId, { suspended_at: null, suspended_reason: null });
}

/** Locks the account for the person's own safety, until recovery or an operator unlocks it. */
export function lockAccount(
  { db, clock }: Pick<Services, 'db' | 'clock'>,
  { accountId, reason }: { accountId: string; reason: string },
): Promise<AccountChange> {
  return change(db, accountId, { locked_at: clock.now(), locked_reason: reason });
}

export function unlockAccount(
  { db }: Pick<Services, 'db'>,
  { accountId }: { accountId: string },
): Promise<AccountChange> {
  return change(db, accountId, { locked_at: null, locked_reason: null });
}

/**
 * Ends, for every process and also after the live state was lost, the sessions that signed in before `before` (epoch
 * ms), but for the session `except`. An earlier moment never takes back a later one.
 */
export async function signOutBefore(
  { db }: Pick<Services, 'db'>,
  { accountId, before, except }: { accountId: string; before: number; except: string | undefined },
): Promise<void> {
  await db
    .updateTable('accounts')
    .set({ signed_out_before: before, signed_out_except: except ?? null })
    .where('id', '=', accountId)
    .where((eb) => eb.or([eb('signed_out_before', 'is', null), eb('signed_out_before', '<=', before)]))
    .execute();
}

/** Removes the account and, by the foreign keys, its contacts, credentials and consents. The audit record stays. */
export async function removeAccount(
  { db }: Pick<Services, 'db'>,
  { accountId }: { accountId: string },
): Promise<AccountChange> {
  const { numDeletedRows } = await db.deleteFrom('accounts').where('id', '=', accountId).executeTakeFirst();
  return numDeletedRows === 1n ? done : refused('not_found');
}

type AccountChange = Outcome<object, 'not_found'>;

async function change(
  db: Database,
  accountId: string,
  values: Partial<Omit<AccountsTable, 'id' | 'created_at'>>,
): Promise<AccountChange> {
  const { numUpdatedRows } = await db
    .updateTable('accounts')
    .set(values)
    .where('id', '=', accountId)
    .executeTakeFirst();
  return numUpdatedRows === 1n ? done : refused('not_found');
}

type AccountRow = AccountsTable & {
  contactId: ContactsTable['id'] | null;
  channel: ContactsTable['channel'] | null;
  address: string | null;
  written: string | null;
  verifiedAt: number | null;
  contactCreatedAt: number | null;
};

/** A row for each contact, and one for an account without any. */
function accountRows(db: Database) {
  return db
    .selectFrom('accounts')
    .leftJoin('contacts', 'contacts.account_id', 'accounts.id')
    .selectAll('accounts')
    .select([
      'contacts.id as contactId',
      'contacts.channel',
      'contacts.address',
      'contacts.written',
      'contacts.verified_at as verifiedAt',
      'contacts.created_at as contactCreatedAt',
    ])
    .orderBy('contacts.created_at')
    .orderBy('contacts.id');
}

function toAccount(rows: readonly AccountRow[]): Account | undefined {
  const [row] = rows;
  if (!row) return undefined;
  return {
    id: row.id,
    profile: JSON.parse(row.profile),
    contacts: rows.flatMap(toContact),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    suspendedAt: row.suspended_at,
    suspendedReason: row.suspended_reason,
    lockedAt: row.locked_at,
    lockedReason: row.locked_reason,
    signedOutBefore: row.signed_out_before,
    signedOutExcept: row.signed_out_except,
  };
}

function toContact(row: AccountRow): Contact[] {
  const { contactId: id, channel, address, written, verifiedAt, contactCreatedAt: createdAt } = row;
  if (id === null || channel === null || address === null || written === null || createdAt === null)
    return [];
  return [{ id, channel, address, written, verifiedAt, createdAt }];
}
