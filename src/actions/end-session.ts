import { recordEvent } from '../audit/record.ts';
import { done, type Outcome, refused } from '../kit/outcome.ts';
import { endSession as endProviderSession } from '../oidc/sessions.ts';
import type { Services } from '../services.ts';
import type { RequestSource } from '../web/request-source.ts';

/** Ends one session of the account. `unknown_session` also for a session of somebody else: its uid tells nothing. */
export async function endSession(
  ctx: Pick<Services, 'db' | 'clock' | 'live' | 'seals' | 'log'>,
  { accountId, uid }: { accountId: string; uid: string },
  from?: RequestSource,
): Promise<Outcome<object, 'unknown_session'>> {
  if (!(await endProviderSession(ctx, { accountId, uid }))) return refused('unknown_session');
  await recordEvent(ctx, { type: 'session.ended', accountId, detail: { session: uid } }, from);
  return done;
}
