import type { Services } from '../services.ts';

/**
 * Removes every way in that is kept here. For the person who proves an address that somebody else signed up with:
 * nothing the other one planted may survive (account pre-hijacking, MSRC 2022). Idempotent; takes a transaction too.
 */
export async function removeAllCredentials(
  { db }: Pick<Services, 'db'>,
  { accountId }: { accountId: string },
): Promise<void> {
  await db.deleteFrom('passwords').where('account_id', '=', accountId).execute();
  await db.deleteFrom('totp_credentials').where('account_id', '=', accountId).execute();
}
