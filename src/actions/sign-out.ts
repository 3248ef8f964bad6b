import { recordEvent } from '../audit/record.ts';
import { endSession } from '../oidc/sessions.ts';
import type { Services } from '../services.ts';
import type { RequestSource } from '../web/request-source.ts';

/**
 * The person leaves this browser: the session ends and with it what apps may do only while it lasts. Apps that were
 * given access for the time when nobody is there keep it; it is taken back under "Apps with access". May be repeated.
 */
export async function signOut(
  ctx: Pick<Services, 'db' | 'clock' | 'live' | 'seals' | 'log'>,
  { accountId, uid }: { accountId: string; uid: string },
  from?: RequestSource,
): Promise<void> {
  if (!(await endSession(ctx, { accountId, uid }))) return;
  await recordEvent(ctx, { type: 'account.signed_out', accountId, sessionUid: uid }, from);
}
