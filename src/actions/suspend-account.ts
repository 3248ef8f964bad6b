import { suspendAccount as keepOut } from '../accounts/account.ts';
import { recordEvent } from '../audit/record.ts';
import type { Outcome } from '../kit/outcome.ts';
import { refused } from '../kit/outcome.ts';
import type { Services } from '../services.ts';
import type { RequestSource } from '../web/request-source.ts';
import type { EndedAccess } from './end-all-access.ts';
import { endAllAccess } from './end-all-access.ts';
import { notifyAccount } from './notify-account.ts';

/**
 * An operator stops the account until it is reinstated: nobody signs in to it, every session and token of it ends now.
 * Suspended first: that alone keeps people and apps out, should the live state fail on the way.
 * Safe to repeat, which ends whatever lives again and puts the new reason in the place of the old.
 */
export async function suspendAccount(
  services: Pick<Services, 'db' | 'clock' | 'live' | 'seals' | 'log' | 'metrics' | 'settings'>,
  { accountId, reason }: { accountId: string; reason: string },
  from?: RequestSource,
): Promise<Outcome<EndedAccess, 'unknown_account'>> {
  const changed = await keepOut(services, { accountId, reason });
  if (!changed.ok) return refused('unknown_account');
  const ended = await endAllAccess(services, { accountId });
  await recordEvent(services, { type: 'account.suspended', accountId, detail: { reason } }, from);
  await notifyAccount(services, { accountId, template: 'account_suspended' });
  return { ok: true, ...ended };
}
