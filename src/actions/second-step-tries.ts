import { minutes } from '../kit/durations.ts';
import { refused } from '../kit/outcome.ts';
import { giveBack, type Limited, orGiveBack, takeFromLimits } from '../limits/limits.ts';
import type { Services } from '../services.ts';
import type { RequestSource } from '../web/request-source.ts';
import { giveOneTryBack, orGiveTryBack, takeOneTry, toLimited } from './tries.ts';

type Context = Pick<Services, 'db' | 'clock' | 'live' | 'seals' | 'log' | 'metrics'>;
type NoTry = { ok: false; reason: 'challenge_used_up' | 'off' } | Limited;
type Wrong<Verdict> = Exclude<Verdict, { ok: true }> & {
  /** The challenge bears no other: time to tell the owner. */
  lastOfChallenge: boolean;
};
export type TryRefusal<Verdict> = NoTry | Wrong<Verdict>;

/** Wrong answers one challenge bears; then the first factor is asked again (misuse case MF-01). */
export const mostWrongCodes = 5;

/**
 * Looks at an answer to the second step if its sender, its challenge and its account have a try left, each counted before
 * it is looked at. The account's count is one for all methods, all interactions and all processes, and starting over does
 * not start it anew. A right answer costs nobody anything.
 */
export async function trySecondStep<Verdict extends { ok: boolean }>(
  app: Context,
  { accountId, challenge }: { accountId: string; challenge: string },
  from: RequestSource,
  look: () => Promise<Verdict>,
): Promise<Extract<Verdict, { ok: true }> | TryRefusal<Verdict>> {
  const sender = { limit: 'second_step_by_address', key: from.ip } as const;
  const room = await takeFromLimits(app, [sender]);
  if (!room.ok) return room;
  return await orGiveBack(app, [sender], async () => {
    const tries = await countTry(app, challenge, 1);
    if (tries > mostWrongCodes) return refused('challenge_used_up');
    const verdict = await orUncount(app, challenge, () =>
      tryAccount(app, { accountId, challenge }, from, look),
    );
    if (!verdict.ok) return { ...verdict, lastOfChallenge: tries === mostWrongCodes } as Wrong<Verdict>;
    await giveBack(app, [sender]);
    return verdict as Extract<Verdict, { ok: true }>;
  });
}

async function tryAccount<Verdict extends { ok: boolean }>(
  app: Context,
  { accountId, challenge }: { accountId: string; challenge: string },
  from: RequestSource,
  look: () => Promise<Verdict>,
): Promise<Verdict | NoTry> {
  const wanted = { proof: 'second_step', subject: { account: accountId } } as const;
  const taken = await takeOneTry(app, wanted, from);
  if (!taken.ok) {
    await countTry(app, challenge, -1);
    return taken.off ? refused('off') : toLimited(taken);
  }
  const counted = { taken, browser: from.browser };
  const verdict = await orGiveTryBack(app, wanted, counted, look);
  if (verdict.ok) await giveOneTryBack(app, wanted, counted);
  return verdict;
}

/** A challenge bears five looks, however many come at once. */
async function countTry(
  { live }: Pick<Services, 'live'>,
  challenge: string,
  amount: 1 | -1,
): Promise<number> {
  const { count } = await live.count(`{challenge:${challenge}}:tries`, 20 * minutes, amount);
  return count;
}

/** An answer that nobody could look at, for a store was down, is none of the five. */
async function orUncount<Result>(
  app: Pick<Services, 'live'>,
  challenge: string,
  attempt: () => Promise<Result>,
): Promise<Result> {
  try {
    return await attempt();
  } catch (error) {
    await countTry(app, challenge, -1).catch(() => undefined);
    throw error;
  }
}
