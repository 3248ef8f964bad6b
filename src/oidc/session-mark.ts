import { days, hours } from '../kit/durations.ts';
import type { Services } from '../services.ts';
import { unlessEnded } from './endings.ts';
import { inEndings, layout } from './live-layout.ts';
import { readSession, writeSession } from './record-forms.ts';
import type { StoredSession } from './stored-session.ts';

/**
 * The mark of a session that ended, in the session's own partition. It says what the session was for as long as something
 * hangs on it, and nothing after that, or where the session ended before it was written (endings.ts). Either way none is
 * written there, nor a second time by a sign-in whose first reply was lost.
 */
type Live = Pick<Services, 'live'>;
type LiveAndClock = Pick<Services, 'live' | 'clock'>;

/** A session that is to end (`isThere`), or is ending, with the text that says so. */
export type Ending = { session: StoredSession; isThere: boolean; text: string };

/** Longer than anything lives that was made for a session: SESSION_MAX_DAYS and a day, at most. */
export const endingKept = 401 * days;
const emptyMarkKept = 1 * hours;

/** Undefined when there is nothing to end. */
export async function readEnding({ live }: Live, uid: string): Promise<Ending | undefined> {
  const [entry, mark] = await live.read([layout.session(uid), layout.sessionEnded(uid)]);
  const text = entry?.value ?? mark?.value;
  if (!text) return undefined;
  return { session: readSession(text, uid), isThere: entry !== undefined, text };
}

/**
 * The session goes and its mark is there, in one step. Undefined when it changed meanwhile: what came into it has to be
 * known to the ending. On nobody's session nothing hangs.
 */
export async function moveToMark(
  { live, clock }: LiveAndClock,
  { text, session }: Ending,
): Promise<Ending | undefined> {
  const { uid, accountId } = session;
  const mark = writeSession(session);
  if (accountId) {
    const expiresAt = clock.now() + endingKept;
    const member = inEndings({ uid, accountId });
    await live.commit([{ do: 'enlist', key: layout.endings, member, expiresAt }]);
  }
  const moved = await live.commit([
    { do: 'expect', key: layout.session(uid), value: text },
    { do: 'delete', key: layout.session(uid) },
    { do: 'put', key: layout.sessionEnded(uid), value: mark, ttlMs: accountId ? endingKept : emptyMarkKept },
  ]);
  return moved.ok ? { session, isThere: false, text: mark } : undefined;
}

/** For a session that is not written yet. False when something is there after all. */
export async function markUnwritten({ live }: Live, uid: string): Promise<boolean> {
  const mark = layout.sessionEnded(uid);
  const [known] = await live.read([mark]);
  const marked = await live.commit([
    unlessEnded(layout.session(uid)),
    { do: 'expect', key: mark, value: known && '' },
    { do: 'put', key: mark, value: '', ttlMs: emptyMarkKept },
  ]);
  return marked.ok;
}

/** All that hung on the session has ended: the mark says nothing any more. Of several that say so one is told yes. */
export async function emptyMark({ live }: Live, { session: { uid }, text }: Ending): Promise<boolean> {
  const key = layout.sessionEnded(uid);
  const emptied = await live.commit([
    { do: 'expect', key, value: text },
    { do: 'put', key, value: '', ttlMs: emptyMarkKept },
  ]);
  return emptied.ok;
}

/** Off the list of endings. */
export async function strikeEnding({ live }: Live, whose: { uid: string; accountId: string }): Promise<void> {
  await live.commit([{ do: 'strike', key: layout.endings, member: inEndings(whose) }]);
}
