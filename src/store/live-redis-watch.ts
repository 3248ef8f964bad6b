import { minutes } from '../kit/durations.ts';
import { describeError, type Log } from '../web/log.ts';
import type { Metrics } from '../web/metrics.ts';
import type { LiveRedis } from './live-redis.ts';
import { memoryRatio } from './live-redis-state.ts';

/**
 * Looks at the servers of the live state, and from then on every minute; what is wrong is logged once for as long as it
 * lasts. Throws at first when one may lose what it is given. Later such a server is not used any more by itself
 * (live-redis-servers.ts). Answers how to stop.
 */
export async function watchRedis(
  live: LiveRedis,
  { log, metrics }: { log: Log; metrics: Pick<Metrics, 'redisMemory'> },
): Promise<() => void> {
  let known = new Set<string>();
  async function look(): Promise<void> {
    const { states, verdicts } = await live.examine();
    for (const state of states) metrics.redisMemory.set({ server: state.name }, memoryRatio(state));
    const failed = verdicts.find(({ verdict }) => verdict === 'FAIL');
    if (failed) throw new Error(`${failed.finding}; ${failed.advice}`);
    for (const { finding, advice } of verdicts)
      if (!known.has(advice)) log.warn({ store: 'live', advice }, finding);
    known = new Set(verdicts.map(({ advice }) => advice));
  }
  await look();
  const complain = (error: unknown) =>
    log.error({ store: 'live', error: describeError(error) }, 'Redis is not fit');
  const timer = setInterval(() => look().catch(complain), minutes);
  timer.unref();
  return () => clearInterval(timer);
}
