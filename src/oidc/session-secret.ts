import { sameSecret } from '../kit/secrets.ts';
import { SessionEnded } from './session-ended.ts';
import { stillFormer } from './session-stamp.ts';
import type { StoredSession } from './stored-session.ts';

/**
 * The secret that a request came with. One of before a change is taken for a moment, so that two tabs may race, and it
 * never becomes the session's own again: it may have been copied. One that was dropped meanwhile writes nothing more.
 */
export type SessionRead = {
  value: string;
  session: StoredSession;
  /** Digest of the secret that the cookie brought. */
  presented: string;
  /** Whether the session has another secret by now: then the browser may have that, and is given no cookie. */
  isOld: boolean;
};

type Standing = 'current' | 'former' | 'dropped';

export function standingOf(presented: string, session: StoredSession, now: number): Standing {
  if (sameSecret(presented, session.secret)) return 'current';
  const isFormer = stillFormer(session, now).some(({ secret }) => sameSecret(presented, secret));
  return isFormer ? 'former' : 'dropped';
}

/** What a request writes, with the secret that it may give the session as it stands now; `signsIn`: any, for it proved more. */
export function withSecret(
  read: SessionRead,
  {
    ours,
    theirs,
    now,
    signsIn,
  }: { ours: StoredSession; theirs: StoredSession; now: number; signsIn: boolean },
): StoredSession {
  // It may be this very write that stands there: its reply was lost.
  const isWritten = ours.secret !== read.session.secret && ours.secret === theirs.secret;
  const standing = isWritten ? 'current' : standingOf(read.presented, theirs, now);
  read.isOld = standing === 'dropped' || (standing === 'former' && !signsIn);
  if (standing === 'dropped') throw new SessionEnded('its secret was replaced meanwhile');
  return read.isOld ? { ...ours, secret: theirs.secret } : ours;
}
