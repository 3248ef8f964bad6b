import { recordEvent } from '../audit/record.ts';
import { forgetOldBrowsers } from '../credentials/known-browsers.ts';
import { hours, seconds } from '../kit/durations.ts';
import { startRounds } from '../kit/rounds.ts';
import { claimOffPasswords, forgetNobodysFailures } from '../limits/failures.ts';
import { forgetEndedLimits } from '../limits/kept-limits.ts';
import type { Services } from '../services.ts';
import { describeError } from '../web/log.ts';
import { notifyAccount } from './notify-account.ts';

type Context = Pick<Services, 'db' | 'clock' | 'live' | 'seals' | 'log' | 'metrics' | 'settings'>;
const lookEvery = 15 * seconds;
const forgetEvery = 1 * hours;

/**
 * Tells the owners of accounts whose password was guessed at until it went off. Not by the request that made the last
 * guess: writing to somebody takes time that a guess at nobody's account does not take. Answers how many were told. Of
 * several processes each account is told by one.
 */
export async function tellOfFailures(ctx: Context): Promise<number> {
  const accounts = await claimOffPasswords(ctx);
  for (const accountId of accounts) {
    await recordEvent(ctx, { type: 'password.off', accountId });
    await notifyAccount(ctx, { accountId, template: 'password_off' });
  }
  return accounts.length;
}

/** Nobody has to wait for these any more. */
export async function forgetWhatIsOver(ctx: Pick<Services, 'db' | 'clock'>): Promise<void> {
  await forgetNobodysFailures(ctx);
  await forgetEndedLimits(ctx);
  await forgetOldBrowsers(ctx);
}

/** Does so from now until `stop`, which waits for what is under way, and forgets what protects nobody any more. */
export function watchFailures(ctx: Context): { stop(): Promise<void> } {
  let forgotAt = 0;
  return startRounds({
    every: lookEvery,
    async work() {
      await tellOfFailures(ctx);
      if (ctx.clock.now() - forgotAt < forgetEvery) return;
      forgotAt = ctx.clock.now();
      await forgetWhatIsOver(ctx);
    },
    failed: (error) =>
      ctx.log.error({ error: describeError(error) }, 'wrong tries could not be looked through'),
  });
}
