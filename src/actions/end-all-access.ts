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
 * any more. First the moment is kept in the records: it ends what is on its way (src/oidc/endings.ts), and sessions that come
 * back with a restored live state. Safe to repeat. A change that keeps people out by itself (a suspension, a lock) comes before.
 * `then`: what else follows from it, told what ended. Where a store is away all of it is done when that answers.
 */
export async function endAllAccess(
  services: Context,
  { accountId }: { accountId: string },
  then: (ended: EndedAccess) => Promise<void> = async () => {},
): Promise<EndedAccess> {
  const { db, clock } = services;
  // Sessions know when they began to the second only: one that begins after this, within the second, is to live.
  const moment = Math.floor(clock.now() / seconds) * seconds;
  let ended: EndedAccess = { sessions: 0, grants: 0 };
  await nowOrLater(services, async () => {
    await signOutBefore({ db }, { accountId, before: moment, except: undefined });
    // In the records as well, so it waits for no live state.
    await dropTrustedDevices(services, { accountId, reason: 'access_ended' });
    ended = together(ended, await endLive(services, accountId));
    await then(ended);
  });
  return ended;
}

/**
 * The same around a change that can be made only once (the account goes, a new password is set with what proved the mailbox):
 * also before it, so that a store that fails half-way leaves something to repeat it with. Nothing follows where `keepOut` answers
 * that it was not made after all: whoever is in by then came by what stands instead.
 */
export async function endAccessAround(
  services: Context,
  { accountId }: { accountId: string },
  keepOut: () => Promise<boolean>,
  then: (ended: EndedAccess) => Promise<void> = async () => {},
): Promise<{ changed: boolean; ended: EndedAccess }> {
  const before = await endLive(services, accountId);
  if (!(await keepOut())) return { changed: false, ended: before };
  const after = await endAllAccess(services, { accountId }, (ended) => then(together(before, ended)));
  return { changed: true, ended: together(before, after) };
}

/**
 * Of accounts that lost an address to whoever proved it: at once, for a repetition is not told again whose it was. `then` is
 * called for each. Where a store is away all of it is done when that answers.
 */
export async function endAccessOfDisplaced(
  services: Context,
  displaced: readonly string[],
  then: (accountId: string) => Promise<void> = async () => {},
): Promise<void> {
  const each = displaced.map((accountId) => endAllAccess(services, { accountId }, () => then(accountId)));
  const failed = (await Promise.allSettled(each)).find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') throw failed.reason;
}

/** Introspection reads the grant and never the account, so the grants must go, not only the sessions (engine facts 6). */
async function endLive(services: Context, accountId: string): Promise<EndedAccess> {
  const sessions = await endSessions(services, { accountId });
  return { sessions, grants: await revokeGrants(services, { accountId }) };
}

function together(one: EndedAccess, other: EndedAccess): EndedAccess {
  return { sessions: one.sessions + other.sessions, grants: one.grants + other.grants };
}
