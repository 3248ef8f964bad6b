import { recordEvent } from '../audit/record.ts';
import type { Services } from '../services.ts';
import { allMembers } from '../store/live-members.ts';
import { layout } from './live-layout.ts';
import { endListedSession } from './session-ending.ts';
import { listSessions } from './sessions.ts';

/**
 * An account has so many sessions and no more; with another one, those that are signed in for the longest end. Each
 * sign-in looks after it was written: of many at once the last to be written sees all of them, and all agree on the
 * order, so the limit holds whatever happens side by side (misuse case SE-15).
 */
export async function limitSessions(
  ctx: Pick<Services, 'live' | 'clock' | 'settings' | 'db' | 'seals' | 'log'>,
  accountId: string,
): Promise<void> {
  const { live, settings } = ctx;
  const listed = await allMembers({ live }, layout.accountSessions(accountId));
  if (listed.length <= settings.SESSIONS_PER_ACCOUNT) return;
  const sessions = await listSessions({ live }, accountId);
  const newestFirst = sessions.sort((a, b) => b.startedAt - a.startedAt || (a.uid < b.uid ? -1 : 1));
  for (const { uid } of newestFirst.slice(settings.SESSIONS_PER_ACCOUNT))
    if (await endListedSession(ctx, { accountId, uid }))
      await recordEvent(ctx, {
        type: 'session.ended',
        actor: 'system',
        accountId,
        detail: { session: uid },
      });
}
