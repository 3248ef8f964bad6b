import { lockAccount as keepOut } from '../accounts/account.ts';
import { recordEvent } from '../audit/record.ts';
import type { Outcome } from '../kit/outcome.ts';
import { refused } from '../kit/outcome.ts';
import type { Services } from '../services.ts';
import type { RequestSource } from '../web/request-source.ts';
import type { EndedAccess } from './end-all-access.ts';
import { endAllAccess } from './end-all-access.ts';
import { notifyAccount } from './notify-account.ts';

/**
 * Locks the account for its person's safety, until they recover it or an operator unlocks it. Whoever may have got in
 * is out: every session and token ends now. Safe to repeat.
 */
export async function lockAccount(
  services: Pick<Services, 'db' | 'clock' | 'live' | 'seals' | 'log' | 'metrics' | 'settings'>,
  { accountId, reason }: { accountId: string; reason: string },
  from?: RequestSource,
): Promise<Outcome<EndedAccess, 'unknown_account'>> {
  const changed = await keepOut(services, { accountId, reason });
  if (!changed.ok) return refused('unknown_account');
  const ended = await endAllAccess(services, { accountId });
  await recordEvent(
    services,
    { type: 'account.locked', accountId, actor: 'operator', detail: { reason } },
    from,
  );
  await notifyAccount(services, { accountId, template: 'account_locked' });
  return { ok: true, ...ended };
}
