import { findAccount } from '../accounts/account.ts';
import type { Services } from '../services.ts';
import { isSignedOut, mayComeIn } from './claims.ts';
import { layout } from './live-layout.ts';
import { readSession } from './record-forms.ts';

type Answering = { accountId: string; sessionUid: string };

/**
 * Whether the session in which somebody answers still stands and its account is still let in, of both stores as they are
 * now: step 2 of endings.ts for what a person gives. A session that is there proves that no ending has got further than the
 * sessions, and the grants come after; the account's record holds for a session that a store brought back.
 */
export async function isStillSignedIn(
  { db, live }: Pick<Services, 'db' | 'live'>,
  { accountId, sessionUid }: Answering,
): Promise<boolean> {
  const [account, [entry]] = await Promise.all([
    findAccount({ db }, accountId),
    live.read([layout.session(sessionUid)]),
  ]);
  const session = entry && readSession(entry.value, sessionUid);
  if (!account || !mayComeIn(account) || session?.accountId !== accountId) return false;
  return !isSignedOut(account, { uid: sessionUid, loginTs: session.loginTs });
}
