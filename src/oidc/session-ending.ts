import { inBatches } from '../kit/in-batches.ts';
import type { Services } from '../services.ts';
import { allMembers } from '../store/live-members.ts';
import { endedAtOnce, endWithSession } from './end-grants.ts';
import { fromAccountIndex, type GrantMember, layout, sessionTag } from './live-layout.ts';
import {
  type Ending,
  emptyMark,
  markUnwritten,
  moveToMark,
  readEnding,
  strikeEnding,
} from './session-mark.ts';
import { noteLogout } from './sign-out/logout-notices.ts';
import type { StoredSession } from './stored-session.ts';

/**
 * The end of a session. What an app may do only while it lasts ends with it, on every process at once: not because each
 * use of a token asked for the session (that would be a second round trip), but because the session's grants end here or
 * are changed to say that it is over, and each use of a token reads its grant. The session goes first, so that no
 * request adds a grant to it after they were listed: such a request finds its session gone and takes the grant back.
 *
 * The steps lie in several partitions, and a store or a process may fail between any two. So the session is put on the
 * list of endings first, and what it was stays as its mark until all that hangs on it has ended (session-mark.ts):
 *
 *   session --(listed; moved)--> mark --(its grants end; struck from its account)--> mark --(emptied; struck)--> empty
 *
 * Whoever comes by goes on from the mark: the same ending once more, the browser with its cookie, and when nobody comes,
 * who looks through the list (sign-out/finish-endings.ts). Of several at once, the one that empties the mark has ended it.
 * The empty mark stays for an hour, for a sign-in that would write the session a second time.
 */
type Context = Pick<Services, 'live' | 'clock' | 'db' | 'log'>;
type LiveAndClock = Pick<Context, 'live' | 'clock'>;
type Session = Pick<StoredSession, 'uid' | 'accountId' | 'authorizations'>;
/** `accountId`: not if it is somebody else's. `listed`: nobody's is theirs too, for a sign-in lists it before it signs in. */
type Whose = { uid: string; accountId?: string | undefined; listed?: true };

/** Each attempt but the last met somebody else's change. */
const attempts = 20;

/** Answers whether it was there and ended here. */
export async function dropSession(context: Context, uid: string, accountId?: string): Promise<boolean> {
  return (await endIfThere(context, { uid, accountId })) === true;
}

/** The same for one that the account's index lists, though it may not be written yet. */
export async function endListedSession(
  context: Context,
  { accountId, uid }: { accountId: string; uid: string },
): Promise<boolean> {
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const ended = await endIfThere(context, { uid, accountId, listed: true });
    if (ended !== undefined) return ended;
    if (!(await markUnwritten(context, uid))) continue;
    await endWhatHangsOn(context, { uid, accountId });
    return false;
  }
  throw new Error('a session came and went while it was ended');
}

/** Before a browser is told that it has no session: one that is still ending ends now. */
export async function finishEnding(context: LiveAndClock, uid: string): Promise<void> {
  const ending = await readEnding(context, uid);
  // Its mark stays: whoever began, or looks through the list, has to tell of it.
  if (ending && !ending.isThere) await endWhatHangsOn(context, ending.session);
}

/** Undefined when nothing is there. */
async function endIfThere(context: Context, whose: Whose): Promise<boolean | undefined> {
  const { uid, accountId } = whose;
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const found = await readEnding(context, uid);
    if (!found) return undefined;
    const owner = found.session.accountId ?? (whose.listed && accountId);
    if (accountId && owner !== accountId) return false;
    const theirs = { ...found, session: { ...found.session, ...(owner && { accountId: owner }) } };
    if (!found.isThere) return finish(context, theirs);
    await tellApps(context, theirs.session);
    const ending = await moveToMark(context, theirs);
    if (ending) return finish(context, ending);
  }
  throw new Error('a session kept changing while it was ended');
}

/** The apps that listen are noted first (logout-notices.ts); what the engine keeps of each is its `sid`. */
async function tellApps(context: Context, { accountId, authorizations }: StoredSession): Promise<void> {
  if (accountId && authorizations) await noteLogout(context, { accountId, authorizations });
}

async function finish(context: Context, ending: Ending): Promise<boolean> {
  const { uid, accountId } = ending.session;
  await endWhatHangsOn(context, ending.session);
  const ended = await emptyMark(context, ending);
  // Where that fails there is nothing left to do for whoever finds it on the list.
  if (accountId) await strikeEnding(context, { uid, accountId }).catch(() => undefined);
  return ended;
}

async function endWhatHangsOn({ live, clock }: LiveAndClock, session: Session): Promise<void> {
  const { uid, accountId } = session;
  if (!accountId) return;
  const grants = await grantsOf({ live }, accountId, session);
  await inBatches(grants, endedAtOnce, (grant) => endWithSession({ live, clock }, grant));
  // Last, so that whoever ends all that an account has finds this one again.
  await live.commit([{ do: 'strike', key: layout.accountSessions(accountId), member: uid }]);
}

/** The grants that were made for a session, and those that it names. */
export async function grantsOf(
  { live }: Pick<Services, 'live'>,
  accountId: string,
  { uid, authorizations = {} }: Pick<StoredSession, 'uid' | 'authorizations'>,
): Promise<GrantMember[]> {
  const named = new Set(Object.values(authorizations).map(({ grantId }) => grantId));
  const members = await allMembers({ live }, layout.accountGrants(accountId));
  return members
    .map(({ member }) => fromAccountIndex(accountId, member))
    .filter(({ grantId, session }) => session === sessionTag(uid) || named.has(grantId));
}
