import type { Context } from 'koa';
import { findAccount } from '../accounts/account.ts';
import { days } from '../kit/durations.ts';
import { inBatches } from '../kit/in-batches.ts';
import type { App, Services } from '../services.ts';
import { allMembers } from '../store/live-members.ts';
import { cookieNames } from './browser-cookies.ts';
import { isSignedOut, mayComeIn } from './claims.ts';
import { closeIndex } from './endings.ts';
import { layout } from './live-layout.ts';
import { readSession } from './record-forms.ts';
import { dropSession, endListedSession } from './session-ending.ts';
import type { StoredSession } from './stored-session.ts';

/** A browser that is signed in. `signedInAt` in epoch milliseconds: when credentials were last proved. */
export type CurrentSession = {
  uid: string;
  accountId: string;
  signedInAt: number;
  amr: string[];
};

/**
 * Who is signed in on this browser, for our own pages; asks everything the engine's policy asks, so that a page never
 * lets in whom an authorization request would send to the sign-in.
 */
export async function currentSession(app: App, ctx: Context): Promise<CurrentSession | undefined> {
  const session = await app.provider.Session.get(ctx);
  const { uid, accountId, loginTs, amr = [] } = session;
  if (!accountId || !loginTs) return undefined;
  if (isTooOld(app, loginTs)) return undefined;
  const account = await findAccount(app, accountId);
  if (!account || !mayComeIn(account) || isSignedOut(account, { uid, loginTs })) return undefined;
  return { uid, accountId, signedInAt: loginTs * 1000, amr };
}

/**
 * The session that this browser's cookie names, whoever may not come in with it any more: for leaving, which has to end it
 * all the same. Where one is still ending, it has ended by the answer (session-ending.ts).
 */
export async function leavingSession(
  app: App,
  ctx: Context,
): Promise<Pick<CurrentSession, 'uid' | 'accountId'> | undefined> {
  const { uid, accountId } = await app.provider.Session.get(ctx);
  return accountId ? { uid, accountId } : undefined;
}

/** Whether a session is past its absolute end, used or not. `loginTs` in epoch seconds. */
export function isTooOld(
  { settings, clock }: Pick<Services, 'settings' | 'clock'>,
  loginTs: number,
): boolean {
  return clock.now() - loginTs * 1000 > settings.SESSION_MAX_DAYS * days;
}

const readAtOnce = 100;
/** Each of them reads what the account's index of grants lists. */
const endedAtOnce = 20;

/** One line of a person's list of sessions. Times in epoch milliseconds. */
export type SessionSummary = {
  uid: string;
  startedAt: number;
  lastSeenAt: number;
  expiresAt: number;
  ip: string;
  userAgent: string;
  /** When credentials were last proved, and how (RFC 8176). */
  signedInAt: number;
  amr: readonly string[];
};

/** The most recently used first. */
export async function listSessions(
  { live }: Pick<Services, 'live'>,
  accountId: string,
): Promise<SessionSummary[]> {
  const members = await allMembers({ live }, layout.accountSessions(accountId));
  const found = await inBatches(members, readAtOnce, async ({ member: uid }) => {
    const [entry] = await live.read([layout.session(uid)]);
    return entry && summaryOf(readSession(entry.value, uid), accountId);
  });
  return found.filter((one) => one !== undefined).sort((a, b) => b.lastSeenAt - a.lastSeenAt);
}

function summaryOf(session: StoredSession, accountId: string): SessionSummary | undefined {
  // The index is written first and may list a session that went to another account since.
  if (session.accountId !== accountId) return undefined;
  const { uid, seen, exp = 0, iat = 0, loginTs = 0, amr = [] } = session;
  return {
    uid,
    startedAt: seen?.startedAt ?? iat * 1000,
    lastSeenAt: seen?.at ?? iat * 1000,
    expiresAt: exp * 1000,
    ip: seen?.ip ?? '',
    userAgent: seen?.userAgent ?? '',
    signedInAt: loginTs * 1000,
    amr,
  };
}

/** Ends one session of this account. False when the account has no such session, whoever else may have it. */
export async function endSession(
  { live, clock, db, log }: Pick<Services, 'live' | 'clock' | 'db' | 'log'>,
  { accountId, uid }: { accountId: string; uid: string },
): Promise<boolean> {
  const context = { live, clock, db, log };
  const listed = await allMembers({ live }, layout.accountSessions(accountId));
  // What is not listed any more may still be there, where an ending or a use of it was cut short.
  if (!listed.some(({ member }) => member === uid)) return dropSession(context, uid, accountId);
  return endListedSession(context, { accountId, uid });
}

/** Ends all sessions of the account but `except`, and every sign-in that is under way. Answers how many sessions. */
export async function endSessions(
  { live, clock, db, log }: Pick<Services, 'live' | 'clock' | 'db' | 'log'>,
  { accountId, except }: { accountId: string; except?: string },
): Promise<number> {
  const context = { live, clock, db, log };
  let count = 0;
  for await (const uids of closeIndex({ live, clock }, layout.accountSessions(accountId))) {
    const ending = uids.filter((uid) => uid !== except);
    const ended = await inBatches(ending, endedAtOnce, (uid) =>
      endListedSession(context, { accountId, uid }),
    );
    count += ended.filter(Boolean).length;
  }
  return count;
}

/** Tells the browser to drop its session cookie; the session itself is ended with `endSession`. */
export function forgetSessionCookie(app: App, ctx: Context): void {
  const { cookies } = app.provider.createContext(ctx.req, ctx.res);
  cookies.set(cookieNames.session, null, { signed: true });
}
