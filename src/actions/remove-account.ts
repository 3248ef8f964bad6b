import { findAccount, removeAccount as forget } from '../accounts/account.ts';
import { recordEvent } from '../audit/record.ts';
import type { Outcome } from '../kit/outcome.ts';
import { refused } from '../kit/outcome.ts';
import { forgetFailures } from '../limits/failures.ts';
import type { Services } from '../services.ts';
import type { RequestSource } from '../web/request-source.ts';
import type { EndedAccess } from './end-all-access.ts';
import { endAccessAround } from './end-all-access.ts';

/**
 * Removes the account for good, with its contacts, credentials and consents. The audit record stays. Sessions and
 * tokens end first: a session whose account is gone would be an error to the engine, and introspection would go on
 * calling its tokens active (engine facts 6).
 */
export async function removeAccount(
  services: Pick<Services, 'db' | 'live' | 'clock' | 'seals' | 'log'>,
  { accountId, reason }: { accountId: string; reason: string },
  from?: RequestSource,
): Promise<Outcome<EndedAccess, 'unknown_account'>> {
  if (!(await findAccount(services, accountId))) return refused('unknown_account');
  const keepOut = async () => (await forget(services, { accountId })).ok;
  // A repetition is told that there is no such account, so it is recorded also where the live state goes away behind it.
  const { changed, ended } = await endAccessAround(services, { accountId }, keepOut, async () => {
    await forgetFailures(services, { accountId, proofs: ['password', 'second_step', 'reset_code'] });
    await recordEvent(services, { type: 'account.deleted', accountId, detail: { reason } }, from);
  });
  return changed ? { ok: true, ...ended } : refused('unknown_account');
}
