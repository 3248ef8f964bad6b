import { setTimeout as sleep } from 'node:timers/promises';
import { seconds } from '../kit/durations.ts';
import { describeError, type Log } from '../web/log.ts';
import { StoreUnavailable } from './live.ts';

/**
 * What a start asks of a store, again while it does not answer: stores and servers are started together, in any order, so a store
 * gets a minute before we give up, or until `leaving`. An attempt may be made twice although the first one happened.
 */
export async function whenStarted<Answer>(
  log: Log,
  store: 'records' | 'live',
  attempt: () => Promise<Answer>,
  { leaving }: { leaving?: AbortSignal } = {},
): Promise<Answer> {
  const giveUpAt = performance.now() + 60 * seconds;
  for (let tries = 0; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      const over = performance.now() > giveUpAt || leaving?.aborted;
      if (!(error instanceof StoreUnavailable) || over) throw error;
      // The first tries are quiet: a connection that is only being made fails too.
      if (tries % 20 === 10) log.warn({ store, error: describeError(error) }, 'waiting for a store');
    }
    await sleep(Math.min(50 * (tries + 1), 500));
  }
}
