import { findAccount, unlockAccount as letIn } from '../accounts/account.ts';
import { recordEvent } from '../audit/record.ts';
import type { Outcome } from '../kit/outcome.ts';
import { refused } from '../kit/outcome.ts';
import type { Services } from '../services.ts';
import type { RequestSource } from '../web/request-source.ts';
import { endAllAccess } from './end-all-access.ts';

/** Lets the person of a locked account sign in again. Recorded first: giving access takes effect after. */
export async function unlockAccount(
  services: Pick<Services, 'db' | 'live' | 'clock' | 'seals' | 'log'>,
  { accountId, reason }: { accountId: string; reason: string },
  from?: RequestSource,
): Promise<Outcome<object, 'unknown_account' | 'not_locked'>> {
  const account = await findAccount(services, accountId);
  if (!account) return refused('unknown_account');
  if (account.lockedAt === null) return refused('not_locked');
  // What an ending left that was cut short would live again.
  await endAllAccess(services, { accountId });
  await recordEvent(services, { type: 'account.unlocked', accountId, detail: { reason } }, from);
  const changed = await letIn(services, { accountId });
  return changed.ok ? changed : refused('unknown_account');
}
