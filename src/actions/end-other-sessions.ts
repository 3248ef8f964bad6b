import { signOutBefore } from '../accounts/account.ts';
import { recordEvent } from '../audit/record.ts';
import { seconds } from '../kit/durations.ts';
import { revokeGrants } from '../oidc/grants.ts';
import { endSessions } from '../oidc/sessions.ts';
import type { Services } from '../services.ts';
import { nowOrLater } from '../store/in-doubt.ts';
import type { Database } from '../store/tables.ts';
import type { RequestSource } from '../web/request-source.ts';
import { type DropReason, dropTrustedDevices } from './drop-trusted-devices.ts';

type Context = Pick<Services, 'db' | 'clock' | 'live' | 'seals' | 'log'>;
type Others = {
  accountId: string;
  except: string | undefined;
  /** Why no browser is trusted any more either. */
  drops?: { reason: DropReason; from: RequestSource | undefined };
};

/** The person signs out everywhere but in the session `except` (its uid). Answers how many sessions ended. */
export async function endOtherSessions(
  ctx: Context,
  others: Others,
  from?: RequestSource,
): Promise<{ ended: number }> {
  const { ended } = await cutOffOthers(ctx, others);
  await recordEvent(
    ctx,
    { type: 'sessions.ended', accountId: others.accountId, detail: { count: ended } },
    from,
  );
  return { ended };
}

/**
 * What every change to how a person proves themselves also does (OWASP ASVS 7.4.3): whoever came in with the old proof
 * is out, with the tokens of the apps they opened. The moment in the account's own row comes first: it also stops a
 * session that is being written while we go through the list, and one that a restored live store brings back.
 * `then`: what else follows from the change, told how many ended. Where a store is away it is done when that answers, from its
 * beginning where it had begun.
 */
export async function cutOffOthers(
  ctx: Context,
  { accountId, except, drops }: Others,
  then: (ended: number) => Promise<void> = async () => {},
): Promise<{ ended: number }> {
  const before = thisSecond(ctx);
  let ended = 0;
  await nowOrLater(ctx, async () => {
    if (drops) await dropTrustedDevices(ctx, { accountId, reason: drops.reason }, drops.from);
    await signOutBefore(ctx, { accountId, before, except });
    ended += await endLive(ctx, { accountId, except });
    await then(ended);
  });
  return { ended };
}

/**
 * The same moment within the transaction of the change (`tx`): with it the sessions of others are over, also where the process dies
 * before `cutOffOthers` ends what they opened.
 */
export async function signOutOthers(
  ctx: Pick<Services, 'clock'>,
  tx: Database,
  { accountId, except }: Others,
): Promise<void> {
  await signOutBefore({ db: tx }, { accountId, before: thisSecond(ctx), except });
}

/**
 * Sessions know when they began to the second (OpenID Connect Core section 2, auth_time): of one that begins in this very
 * second we cannot say whether it came before or after, and the list of the live ones ends it if it is there already.
 */
function thisSecond({ clock }: Pick<Services, 'clock'>): number {
  return Math.floor(clock.now() / seconds) * seconds;
}

async function endLive(ctx: Context, { accountId, except }: Others): Promise<number> {
  const ended = await endSessions(ctx, { accountId, ...(except && { except }) });
  await revokeGrants(ctx, { accountId, ...(except && { exceptSession: except }) });
  return ended;
}

/**
 * The same around the change, where it stands that it will be made: a store or a process that dies behind it leaves nobody in
 * who came by the old proof, although the repeat, with the old proof, gets no further. Nothing follows where `change` answers
 * that it was not made after all: whoever is in by then came by what stands instead.
 */
export async function cutOffOthersAround(
  ctx: Context,
  others: Others,
  change: () => Promise<boolean>,
  then: (ended: number) => Promise<void>,
): Promise<{ changed: boolean; ended: number }> {
  const before = await cutOffOthers(ctx, others);
  if (!(await change())) return { changed: false, ended: before.ended };
  const after = await cutOffOthers(ctx, others, (ended) => then(before.ended + ended));
  return { changed: true, ended: before.ended + after.ended };
}

/** How many were signed out by a change, where it is an event of its own. */
export async function recordEnded(
  ctx: Context,
  { accountId, ended }: { accountId: string; ended: number },
  from?: RequestSource,
): Promise<void> {
  const detail = { count: ended };
  if (ended > 0) await recordEvent(ctx, { type: 'sessions.ended', accountId, detail }, from);
}
