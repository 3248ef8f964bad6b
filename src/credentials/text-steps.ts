import { newId } from '../kit/secrets.ts';
import type { Services } from '../services.ts';
import type { Database } from '../store/tables.ts';

/**
 * Numbers that get a code when their owner signs in. A weaker second step than the others: whoever talks a shop into a new SIM
 * card has it (NIST SP 800-63B-4 section 3.1.3.3). The number is a proved contact of the account (src/accounts); read here by
 * a join, so that a number that leaves the account is no second step any more. The codes are in contact-codes.ts.
 */
export type TextStep = {
  id: string;
  contactId: string;
  /** E.164. */
  address: string;
  written: string;
  createdAt: number;
  lastUsedAt: number | undefined;
};

/** The oldest first. */
export async function listTextSteps({ db }: Pick<Services, 'db'>, accountId: string): Promise<TextStep[]> {
  const rows = await db
    .selectFrom('text_steps')
    .innerJoin('contacts', (join) =>
      join
        .onRef('contacts.id', '=', 'text_steps.contact_id')
        .onRef('contacts.account_id', '=', 'text_steps.account_id'),
    )
    .select([
      'text_steps.id',
      'text_steps.contact_id',
      'contacts.address',
      'contacts.written',
      'text_steps.created_at',
      'text_steps.last_used_at',
    ])
    .where('text_steps.account_id', '=', accountId)
    .where('contacts.channel', '=', 'phone')
    .where('contacts.verified_at', 'is not', null)
    .orderBy('text_steps.created_at')
    .execute();
  return rows.map((row) => ({
    id: row.id,
    contactId: row.contact_id,
    address: row.address,
    written: row.written,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at ?? undefined,
  }));
}

/** Answers the id; of a number that is one already, the one it has. */
export async function addTextStep(
  db: Database,
  { accountId, contactId, now }: { accountId: string; contactId: string; now: number },
): Promise<string> {
  const id = newId();
  const added = await db
    .insertInto('text_steps')
    .values({ id, account_id: accountId, contact_id: contactId, created_at: now, last_used_at: null })
    .onConflict((conflict) => conflict.column('contact_id').doNothing())
    .executeTakeFirst();
  if (added.numInsertedOrUpdatedRows === 1n) return id;
  const known = await db
    .selectFrom('text_steps')
    .select('id')
    .where('contact_id', '=', contactId)
    .where('account_id', '=', accountId)
    .executeTakeFirstOrThrow();
  return known.id;
}

export async function noteTextStepUsed(
  { db, clock }: Pick<Services, 'db' | 'clock'>,
  id: string,
): Promise<void> {
  await db.updateTable('text_steps').set({ last_used_at: clock.now() }).where('id', '=', id).execute();
}

/** Answers whether the account had it. */
export async function removeTextStep(
  db: Database,
  { accountId, id }: { accountId: string; id: string },
): Promise<boolean> {
  const { numDeletedRows } = await db
    .deleteFrom('text_steps')
    .where('id', '=', id)
    .where('account_id', '=', accountId)
    .executeTakeFirst();
  return numDeletedRows === 1n;
}

export async function removeAllTextSteps(db: Database, accountId: string): Promise<void> {
  await db.deleteFrom('text_steps').where('account_id', '=', accountId).execute();
}
