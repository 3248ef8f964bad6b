import { signOutBefore } from '../accounts/account.ts';
import { seconds } from '../kit/durations.ts';
import { revokeGrants } from '../oidc/grants.ts';
import { endSessions } from '../oidc/sessions.ts';
import type { Services } from '../services.ts';

export type EndedAccess = { sessions: number; grants: number };

/**
 * Ends every session of the account and every token any app holds for it, on all processes at once. The moment is also
 * kept in the records: sessions that come back with a restored live state are over all the same. Safe to repeat.
 */
export async function endAllAccess(
  { db, live, clock }: Pick<Services, 'db' | 'live' | 'clock'>,
  { accountId }: { accountId: string },
): Promise<EndedAccess> {
  const sessions = await endSessions({ live }, { accountId });
  // Introspection reads the grant and never the account, so the grants must go, not only the sessions (engine facts 6).
  const grants = await revokeGrants({ live }, { accountId });
  // Sessions know when they began to the second only: one that begins after this, within the second, is to live.
  const before = Math.floor(clock.now() / seconds) * seconds;
  await signOutBefore({ db }, { accountId, before, except: undefined });
  return { sessions, grants };
}

/**
 * The same around a change that keeps people out (a suspension, a lock): before it, so that the ending takes effect even
 * if the change cannot be written, and again after it, for who came in between.
 */
export async function endAccessAround<Changed>(
  services: Pick<Services, 'db' | 'live' | 'clock'>,
  { accountId }: { accountId: string },
  keepOut: () => Promise<Changed>,
): Promise<{ changed: Changed; ended: EndedAccess }> {
  const before = await endAllAccess(services, { accountId });
  const changed = await keepOut();
  const after = await endAllAccess(services, { accountId });
  return {
    changed,
    ended: { sessions: before.sessions + after.sessions, grants: before.grants + after.grants },
  };
}
