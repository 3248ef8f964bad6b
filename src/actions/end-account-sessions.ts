import { recordEvent } from '../audit/record.ts';
import type { Outcome } from '../kit/outcome.ts';
import { refused } from '../kit/outcome.ts';
import { endSession } from '../oidc/sessions.ts';
import type { Services } from '../services.ts';
import type { EndedAccess } from './end-all-access.ts';
import { endAllAccess } from './end-all-access.ts';

/**
 * An operator signs a person out: of the session `uid`, or of all of them, and then the tokens of every app go too. The
 * account stays open and they may sign in again.
 */
export async function endAccountSessions(
  services: Pick<Services, 'db' | 'live' | 'clock' | 'seals' | 'log'>,
  { accountId, uid }: { accountId: string; uid?: string | undefined },
): Promise<Outcome<EndedAccess, 'unknown_session'>> {
  if (uid === undefined) {
    const ended = await endAllAccess(services, { accountId });
    await recordEvent(services, {
      type: 'sessions.ended',
      accountId,
      actor: 'operator',
      detail: { count: ended.sessions },
    });
    return { ok: true, ...ended };
  }
  if (!(await endSession(services, { accountId, uid }))) return refused('unknown_session');
  await recordEvent(services, { type: 'session.ended', accountId, actor: 'operator', sessionUid: uid });
  return { ok: true, sessions: 1, grants: 0 };
}
