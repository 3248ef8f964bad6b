import { inBatches } from '../kit/in-batches.ts';
import type { Services } from '../services.ts';
import { allMembers } from '../store/live-members.ts';
import { endedAtOnce, endWithSession } from './end-grants.ts';
import { removeOrMark } from './endings.ts';
import { fromAccountIndex, type GrantMember, layout, sessionTag } from './live-layout.ts';
import { readSession } from './record-forms.ts';
import { noteLogout } from './sign-out/logout-notices.ts';
import type { StoredSession } from './stored-session.ts';

/**
 * The end of a session. What an app may do only while it lasts ends with it, on every process at once: not because each
 * use of a token asked for the session (that would be a second round trip), but because the session's grants end here or
 * are changed to say that it is over, and each use of a token reads its grant. The session goes first, so that no
 * request adds a grant to it after they were listed: such a request finds its session gone and takes the grant back.
 */
type Context = Pick<Services, 'live' | 'clock' | 'db' | 'log'>;

/** Answers whether it was there. */
export async function dropSession(context: Context, uid: string): Promise<boolean> {
  const { live, clock } = context;
  const [entry] = await live.read([layout.session(uid)]);
  if (!entry) return false;
  const session = readSession(entry.value, uid);
  await tellApps(context, session);
  const taken = await live.commit([{ do: 'take', key: layout.session(uid) }]);
  if (session.accountId) await endWhatHangsOn({ live, clock }, session.accountId, session);
  return taken.ok;
}

/** The same for one that the account's index lists, though it may not be written yet. */
export async function endListedSession(
  context: Context,
  { accountId, uid }: { accountId: string; uid: string },
): Promise<boolean> {
  const { live, clock } = context;
  const [entry] = await live.read([layout.session(uid)]);
  const session = entry && readSession(entry.value, uid);
  // It was listed first and then became somebody else's.
  if (session?.accountId && session.accountId !== accountId) return false;
  if (session) await tellApps(context, session);
  const ended = await removeOrMark({ live }, { record: layout.session(uid), mark: layout.sessionEnded(uid) });
  await endWhatHangsOn({ live, clock }, accountId, session ?? { uid });
  return ended;
}

/** The apps that listen are noted first (logout-notices.ts); what the engine keeps of each is its `sid`. */
async function tellApps(context: Context, { accountId, authorizations }: StoredSession): Promise<void> {
  if (accountId && authorizations) await noteLogout(context, { accountId, authorizations });
}

async function endWhatHangsOn(
  { live, clock }: Pick<Context, 'live' | 'clock'>,
  accountId: string,
  session: Pick<StoredSession, 'uid' | 'authorizations'>,
): Promise<void> {
  const grants = await grantsOf({ live }, accountId, session);
  await inBatches(grants, endedAtOnce, (grant) => endWithSession({ live, clock }, grant));
  // Last, so that an ending that was cut short is found again.
  const key = layout.accountSessions(accountId);
  await live.commit([{ do: 'strike', key, member: session.uid }]);
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
