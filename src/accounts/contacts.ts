import type { Outcome } from '../kit/outcome.ts';
import { refused } from '../kit/outcome.ts';
import { newId } from '../kit/secrets.ts';
import type { Services } from '../services.ts';
import type { Database } from '../store/tables.ts';
import type { Identifier } from './identifier.ts';

/**
 * The addresses of accounts. Whoever proves an address owns it: one account at most (the unique index contacts_proved),
 * and from then on nobody else has so much as a claim to it. An address that nobody proved blocks nobody: else anyone
 * could sit on the addresses of people who have not come yet, or wait in an account until its owner moves in
 * (account pre-hijacking, Sudhodanan and Paverd 2022).
 */
export type NewContact = Identifier & { verified: boolean };

/**
 * The account has shown that the address is its own. Adds the contact if it is new to it. `address_taken` when another
 * account proved it before. `displaced` are the accounts that claimed it without proof and have now lost it: the verb
 * ends their sessions, since whoever made them may be waiting for the owner to come.
 */
export async function proveContact(
  { db, clock }: Pick<Services, 'db' | 'clock'>,
  { accountId, contact }: { accountId: string; contact: Identifier },
): Promise<Outcome<{ displaced: string[] }, 'address_taken'>> {
  const now = clock.now();
  try {
    return await db.transaction().execute(async (tx) => {
      if (await isProvedByAnother(tx, accountId, contact)) return refused('address_taken');
      const displaced = await addContacts(tx, accountId, [{ ...contact, verified: true }], now);
      await tx.updateTable('accounts').set({ updated_at: now }).where('id', '=', accountId).execute();
      return { ok: true, displaced };
    });
  } catch (error) {
    if (isProvedTwice(error)) return refused('address_taken');
    throw error;
  }
}

/** Writes contacts of an account within the caller's transaction; answers whom the proved ones displaced. */
export async function addContacts(
  tx: Database,
  accountId: string,
  contacts: readonly NewContact[],
  now: number,
): Promise<string[]> {
  const displaced: string[] = [];
  for (const contact of contacts) {
    const known = await keepContact(tx, accountId, contact, now);
    if (!known) await insertContact(tx, accountId, contact, now);
    if (contact.verified) displaced.push(...(await displaceClaims(tx, accountId, contact)));
  }
  return [...new Set(displaced)];
}

/** Answers whether the account has the contact already; marks it proved if it was not. */
async function keepContact(tx: Database, accountId: string, contact: NewContact, now: number) {
  const { numUpdatedRows } = await tx
    .updateTable('contacts')
    .set((eb) => ({
      verified_at: contact.verified ? eb.fn.coalesce('verified_at', eb.val(now)) : eb.ref('verified_at'),
    }))
    .where('account_id', '=', accountId)
    .where('channel', '=', contact.channel)
    .where('address', '=', contact.address)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

async function insertContact(tx: Database, accountId: string, contact: NewContact, now: number) {
  await tx
    .insertInto('contacts')
    .values({
      id: newId(),
      account_id: accountId,
      channel: contact.channel,
      address: contact.address,
      written: contact.written,
      verified_at: contact.verified ? now : null,
      created_at: now,
    })
    .execute();
}

/** Removes what other accounts claim without proof. */
async function displaceClaims(tx: Database, accountId: string, { channel, address }: Identifier) {
  const rows = await tx
    .deleteFrom('contacts')
    .where('channel', '=', channel)
    .where('address', '=', address)
    .where('account_id', '!=', accountId)
    .where('verified_at', 'is', null)
    .returning('account_id')
    .execute();
  return rows.map((row) => row.account_id);
}

export async function isProvedByAnother(
  tx: Database,
  accountId: string,
  { channel, address }: Pick<Identifier, 'channel' | 'address'>,
): Promise<boolean> {
  const row = await tx
    .selectFrom('contacts')
    .select('id')
    .where('channel', '=', channel)
    .where('address', '=', address)
    .where('account_id', '!=', accountId)
    .where('verified_at', 'is not', null)
    .executeTakeFirst();
  return row !== undefined;
}

/** Whether a write failed on the index contacts_proved, as PostgreSQL (SQLSTATE 23505) or SQLite (2067) says it. */
export function isProvedTwice(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, constraint, errcode } = error as { code?: string; constraint?: string; errcode?: number };
  if (code === '23505') return constraint === 'contacts_proved';
  return errcode === 2067 && error.message.includes('contacts.channel, contacts.address');
}
