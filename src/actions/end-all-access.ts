import { signOutBefore } from '../accounts/account.ts';
import { seconds } from '../kit/durations.ts';
import { revokeGrants } from '../oidc/grants.ts';
import { endSessions } from '../oidc/sessions.ts';
import type { Services } from '../services.ts';
import { nowOrLater } from '../store/in-doubt.ts';
import { dropTrustedDevices } from './drop-trusted-devices.ts';

type Context = Pick<Services, 'db' | 'live' | 'clock' | 'seals' | 'log'>;
export type EndedAccess = { sessions: number; grants: number };

/**
 * Ends every session of the account and every token any app holds for it, on all processes at once; no browser is trusted
 * any more. The moment is also kept in the records: sessions that come back with a restored live state are over all the
 * same. Safe to repeat.
 */
export async function endAllAccess(
  services: Context,
  { accountId }: { accountId: string },
): Promise<EndedAccess> {
  const { ended } = await endAccessAround(services, { accountId }, async () => undefined);
  return ended;
}

/**
 * The same around a change that keeps people out (a suspension, a lock): before it, so that the ending takes effect even
 * if the change cannot be written, and again after it, for who came in between or is on their way (src/oidc/endings.ts).
 */
export async function endAccessAround<Changed>(
  services: Context,
  { accountId }: { accountId: string },
  keepOut: () => Promise<Changed>,
): Promise<{ changed: Changed; ended: EndedAccess }> {
  const { db, clock } = services;
  const before = await endLive(services, accountId);
  const changed = await keepOut();
  // Sessions know when they began to the second only: one that begins after this, within the second, is to live.
  const moment = Math.floor(clock.now() / seconds) * seconds;
  await signOutBefore({ db }, { accountId, before: moment, except: undefined });
  const after = await nowOrLater(services, () => endLive(services, accountId));
  await dropTrustedDevices(services, { accountId, reason: 'access_ended' });
  return {
    changed,
    ended: { sessions: before.sessions + after.sessions, grants: before.grants + after.grants },
  };
}

/** Introspection reads the grant and never the account, so the grants must go, not only the sessions (engine facts 6). */
async function endLive(services: Context, accountId: string): Promise<EndedAccess> {
  const sessions = await endSessions(services, { accountId });
  return { sessions, grants: await revokeGrants(services, { accountId }) };
}
