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
  const others = [
    'text_steps',
    'backup_codes',
    'trusted_devices',
    'known_browsers',
    'two_step',
    'alarms',
  ] as const;
  for (const table of others) await db.deleteFrom(table).where('account_id', '=', accountId).execute();
  await db.deleteFrom('passkeys').where('account_id', '=', accountId).execute();
  // With a new handle too, so that a key of the former holder finds nobody.
  await db.deleteFrom('passkey_users').where('account_id', '=', accountId).execute();
}
