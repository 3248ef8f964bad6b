import { findAccount } from '../accounts/account.ts';
import { recordEvent } from '../audit/record.ts';
import { type Outcome, refused } from '../kit/outcome.ts';
import { forgetFailures, listFailures } from '../limits/failures.ts';
import type { Services } from '../services.ts';
import type { RequestSource } from '../web/request-source.ts';

/**
 * An operator starts the counts of wrong tries at an account anew, for an owner who cannot: whose second step is off, or
 * who has no address left to reset a password with. Recorded first: giving access takes effect after.
 */
export async function forgiveTries(
  services: Pick<Services, 'db' | 'clock' | 'seals' | 'log'>,
  { accountId, reason }: { accountId: string; reason: string },
  from?: RequestSource,
): Promise<Outcome<object, 'unknown_account' | 'nothing_wrong'>> {
  if (!(await findAccount(services, accountId))) return refused('unknown_account');
  const failures = await listFailures(services, accountId);
  if (failures.length === 0) return refused('nothing_wrong');
  await recordEvent(services, { type: 'account.tries_forgiven', accountId, detail: { reason } }, from);
  await forgetFailures(services, { accountId, proofs: failures.map(({ proof }) => proof) });
  return { ok: true };
}
