import type { Services } from '../services.ts';
import { statement } from '../store/statement.ts';
import { theOneOf } from './account.ts';
import type { Identifier } from './identifier.ts';

/** Whom an address leads to, and what their password is checked by; the rest of the account waits until it was right. */
export type Claimant = {
  accountId: string;
  password: { hash: string; pepperId: string | null } | undefined;
};
type Address = Pick<Identifier, 'channel' | 'address'>;

/**
 * As `findAccountByIdentifier` finds it. One query, with the password's row by a join (src/credentials), whether or not there
 * is an account, so that the time it takes does not tell.
 */
export async function findClaimant(
  { db }: Pick<Services, 'db'>,
  address: Address,
): Promise<Claimant | undefined> {
  const [row] = theOneOf((await claims(db, address)).rows);
  if (!row) return undefined;
  const { id: accountId, hash, pepperId } = row;
  return { accountId, password: hash === null ? undefined : { hash, pepperId } };
}

const claims = statement((db, { channel, address }: Address) =>
  db
    .selectFrom('contacts')
    .leftJoin('passwords', 'passwords.account_id', 'contacts.account_id')
    .select([
      'contacts.account_id as id',
      'contacts.verified_at as claimProvedAt',
      'passwords.hash',
      'passwords.pepper_id as pepperId',
    ])
    .where('contacts.channel', '=', channel)
    .where('contacts.address', '=', address),
);
