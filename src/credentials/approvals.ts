import { minutes } from '../kit/durations.ts';
import { newDigits, newId, sameSecret } from '../kit/secrets.ts';
import { isStopped, type Stop, stopFor } from '../limits/kept-limits.ts';
import type { Services } from '../services.ts';
import { spendOnce } from '../store/in-doubt.ts';
import type { LiveKey, LiveStep } from '../store/live.ts';
import { allMembers } from '../store/live-members.ts';
import { typedCode } from './typed-code.ts';

/**
 * Sign-ins that wait until their owner approves them on another device, by typing the number that the waiting page shows
 * (NIST SP 800-63B-4 section 3.1.3: out of band, from the primary channel to the secondary). All of an account in one
 * partition, so that each decision is one atomic step:
 *
 *   {account <id>}:approval:<id>       who asks, from where, the number, how it stands; sealed
 *   {account <id>}:approvals           index of the requests
 *   {account <id>}:approvals-held      somebody said that it was not them: nobody may ask for a while. Stands in the
 *                                      records too, so that who loses the live state has not lost the "no"
 *
 *   open ──right number──► approved ──fetched by the sign-in that asked──► gone
 *     ├──wrong number, or "no"──► refused
 *     ├──the sign-in went another way──► gone
 *     └──five minutes──► gone
 *
 * The stored text is sealed anew with each write, so `expect` what was read means: nobody decided meanwhile.
 */
const approvalLifeMs = 5 * minutes;
const fetchedWithin = 1 * minutes;
const heldFor = 60 * minutes;

export type Approval = {
  id: string;
  state: 'open' | 'approved' | 'refused';
  number: string;
  at: number;
  expiresAt: number;
  /** The sign-in that asked: nobody else's may fetch it. */
  boundTo: string;
  /** The session of this account in the waiting browser itself, which must not approve. */
  ownSession?: string | undefined;
  /** As the waiting page names it; missing for our own pages. */
  app?: string | undefined;
  ip: string;
  userAgent: string;
};
/** As it was read, to be sure that nobody decided since. */
type Read = { approval: Approval; stored: string };
type Context = Pick<Services, 'live' | 'seals' | 'clock' | 'log'>;
type WithRecords = Context & Pick<Services, 'db'>;
type Which = { accountId: string; id: string };

export async function addApproval(
  ctx: Context,
  {
    accountId,
    ...asks
  }: { accountId: string } & Pick<Approval, 'boundTo' | 'ownSession' | 'app' | 'ip' | 'userAgent'>,
): Promise<Approval> {
  const at = ctx.clock.now();
  const times = { at, expiresAt: at + approvalLifeMs };
  const approval: Approval = { ...asks, ...times, id: newId(), state: 'open', number: newDigits(6) };
  const which = { accountId, id: approval.id };
  await ctx.live.commit([
    { do: 'enlist', key: indexOf(accountId), member: approval.id, expiresAt: approval.expiresAt },
    { do: 'put', key: keyOf(which), value: sealed(ctx, which, approval), ttlMs: approvalLifeMs },
  ]);
  return approval;
}

/** Undefined for one of somebody else, and for what is over. */
export async function findApproval(ctx: Context, which: Which): Promise<Approval | undefined> {
  return (await readApproval(ctx, which))?.approval;
}

/** Those that nobody decided, the oldest first. */
export async function listOpenApprovals(ctx: Context, accountId: string): Promise<Approval[]> {
  const members = await allMembers(ctx, indexOf(accountId));
  const found = await Promise.all(members.map(({ member }) => findApproval(ctx, { accountId, id: member })));
  return found.filter((one) => one?.state === 'open') as Approval[];
}

/** Whether this request decided: of several at once, one does. `held`: nor may anybody ask again for an hour. */
export async function decideApproval(
  ctx: WithRecords,
  { accountId, id, state, held }: Which & { state: 'approved' | 'refused'; held?: boolean },
): Promise<boolean> {
  const read = await readApproval(ctx, { accountId, id });
  if (read?.approval.state !== 'open') return false;
  // Before the decision, which nobody could repeat if this failed. Should a yes be faster, a "no" was said all the same.
  if (held) await stopFor(ctx, stopOf(accountId), heldFor);
  const value = sealed(ctx, { accountId, id }, { ...read.approval, state });
  const key = keyOf({ accountId, id });
  const left = Math.max(1, read.approval.expiresAt - ctx.clock.now());
  const steps: LiveStep[] = [
    { do: 'replace', key, expect: read.stored, value, ttlMs: left + fetchedWithin },
    { do: 'strike', key: indexOf(accountId), member: id },
    ...(held ? [{ do: 'put', key: heldKey(accountId), value: '', ttlMs: heldFor } as const] : []),
  ];
  return (await ctx.live.commit(steps)).ok;
}

export function isItsNumber({ number }: Approval, typed: string): boolean {
  const code = typedCode(typed);
  return code !== undefined && sameSecret(code, number);
}

/** Uses up an approval: once, and only by the sign-in that asked for it. */
export async function takeApproval(
  ctx: Context,
  { boundTo, ...which }: Which & { boundTo: string },
): Promise<boolean> {
  const read = await readApproval(ctx, which);
  if (read?.approval.state !== 'approved' || read.approval.boundTo !== boundTo) return false;
  const ttlMs = () => fetchedWithin;
  return (await spendOnce(ctx, { key: keyOf(which), expect: read.stored, ttlMs })) !== undefined;
}

/** The sign-in goes another way: there is nothing left to approve. */
export async function withdrawApproval({ live }: Pick<Context, 'live'>, which: Which): Promise<void> {
  await live.commit([
    { do: 'delete', key: keyOf(which) },
    { do: 'strike', key: indexOf(which.accountId), member: which.id },
  ]);
}

/** The live state is asked for the sake of servers of the version before, which look and write there alone. */
export async function approvalsAreHeld(ctx: WithRecords, accountId: string): Promise<boolean> {
  const [stopped, [entry]] = await Promise.all([
    isStopped(ctx, stopOf(accountId)),
    ctx.live.read([heldKey(accountId)]),
  ]);
  return stopped || entry !== undefined;
}

function stopOf(accountId: string): Stop {
  return { accountId, name: 'approvals_held' };
}

async function readApproval({ live, seals, clock }: Context, which: Which): Promise<Read | undefined> {
  const [entry] = await live.read([keyOf(which)]);
  if (!entry || entry.consumedBy !== undefined) return undefined;
  const approval: Approval = JSON.parse(seals.open(purposeOf(which), entry.value));
  if (approval.state === 'open' && approval.expiresAt <= clock.now()) return undefined;
  return { approval, stored: entry.value };
}

function sealed({ seals }: Pick<Context, 'seals'>, which: Which, approval: Approval): string {
  return seals.seal(purposeOf(which), JSON.stringify(approval));
}

/** Whoever can write to the live state cannot put an approval under another account. */
function purposeOf({ accountId, id }: Which): string {
  return `approval ${accountId} ${id}`;
}

function keyOf({ accountId, id }: Which): LiveKey {
  return `{account ${accountId}}:approval:${id}`;
}

function indexOf(accountId: string): LiveKey {
  return `{account ${accountId}}:approvals`;
}

function heldKey(accountId: string): LiveKey {
  return `{account ${accountId}}:approvals-held`;
}
