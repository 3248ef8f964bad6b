import { isDeepStrictEqual } from 'node:util';
import { minutes, seconds } from '../kit/durations.ts';
import type { StoredSession } from './stored-session.ts';

/** What we note in a session beside the engine's members: when and where it was used, and which secrets are still taken. */

/** How long a secret before a change is still taken. Never over a sign-in: a planted cookie must be worthless after it. */
const overlapMs = 30 * seconds;

/** How old the note of the last use may be before another use writes it again. */
const notedAnew = 5 * minutes;

type Stamp = { now: number; signsIn: boolean; source: { ip: string; userAgent: string } | undefined };

/** `before`: as it stands now. A secret that was dropped from it, or of before a sign-in, counts no more. */
export function stamped(
  { former: _former, ...session }: StoredSession,
  before: StoredSession | undefined,
  { now, signsIn, source }: Stamp,
): StoredSession {
  const goesOn = before && isSameSignIn(before, session) ? before : undefined;
  // Credentials proved in this very request are a sign-in, even if the one before it was in the same second.
  const former = goesOn && !signsIn ? formerOf(goesOn, session.secret, now) : [];
  return {
    ...session,
    ...(former.length > 0 ? { former } : {}),
    seen: {
      startedAt: goesOn?.seen?.startedAt ?? now,
      at: now,
      ip: source?.ip ?? '',
      userAgent: source?.userAgent ?? '',
    },
  };
}

function formerOf(before: StoredSession, secret: string, now: number) {
  const replaced = before.secret === secret ? [] : [{ secret: before.secret, until: now + overlapMs }];
  return [...stillFormer(before, now), ...replaced].slice(-4);
}

/**
 * Nothing changed but that the session was used, and that was noted a moment ago. The engine writes a session at every
 * use; here its life and its place in the list move in steps, and most uses write nothing.
 */
export function isOnlyAlive(read: StoredSession, ours: StoredSession, now: number): boolean {
  const { seen, former: _former, iat: _iat, exp: _exp, ...before } = read;
  const { iat: _ourIat, exp: _ourExp, ...after } = ours;
  return wasNoted({ seen }, now) && isDeepStrictEqual(before, after);
}

/** Whether the last use was noted so lately that this one needs no note. */
export function wasNoted({ seen }: { seen?: StoredSession['seen'] | undefined }, now: number): boolean {
  return (seen?.at ?? 0) > now - notedAnew;
}

function isSameSignIn(one: StoredSession, other: Pick<StoredSession, 'accountId' | 'loginTs'>): boolean {
  return one.accountId === other.accountId && one.loginTs === other.loginTs;
}

export function stillFormer({ former = [] }: StoredSession, now: number) {
  return former.filter((one) => one.until > now);
}
