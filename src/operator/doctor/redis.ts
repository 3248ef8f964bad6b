import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../kit/clock.ts';
import type { Settings } from '../../settings.ts';
import { StoreUnavailable } from '../../store/live.ts';
import { type LiveRedis, openLiveRedis } from '../../store/live-redis.ts';
import { describeAddress, readRedisAddress } from '../../store/live-redis-address.ts';
import type { RedisExamination } from '../../store/live-redis-examination.ts';
import { answered, reasonOf, timed } from './answer.ts';
import { skewFinding } from './clock.ts';
import type { Finding } from './finding.ts';

/** Redis in whichever form: every server that keeps our state or may have to, and what its writes wait for. */
export async function examineRedis(
  { REDIS_WAIT_REPLICAS, REDIS_WAIT_MS, STORE_TIMEOUT_MS }: Settings,
  url: string,
): Promise<Finding[]> {
  const about = 'live';
  const place = describeAddress(readRedisAddress(url));
  const live = openLiveRedis({
    url,
    clock: systemClock,
    waitReplicas: REDIS_WAIT_REPLICAS,
    waitMs: REDIS_WAIT_MS,
    timeoutMs: STORE_TIMEOUT_MS,
  });
  try {
    const examined = await examination(live, Math.max(3000, 3 * STORE_TIMEOUT_MS));
    const verdicts = examined.verdicts.map((verdict) => ({ ...verdict, about }));
    const unfit = verdicts.some(({ verdict }) => verdict === 'FAIL');
    return [
      ...(unfit ? [] : [answered(about, place, await timed(() => live.ping()))]),
      ...keeps(examined),
      ...verdicts,
      ...examined.states.flatMap(({ name, aheadMs }) =>
        skewFinding(`Redis at ${name}`, Date.now() + aheadMs, Date.now()),
      ),
    ];
  } catch (error) {
    return [
      {
        verdict: 'FAIL',
        about,
        finding: `state does not answer, ${place}: ${reasonOf(error)}`,
        advice: 'check that Redis runs and that REDIS_URL names its hosts, port and password',
      },
    ];
  } finally {
    await live.close();
  }
}

/** Connections are being made while it is asked, so it may take some attempts. */
async function examination(live: LiveRedis, withinMs: number): Promise<RedisExamination> {
  const giveUpAt = performance.now() + withinMs;
  for (;;) {
    try {
      return await live.examine();
    } catch (error) {
      if (!(error instanceof StoreUnavailable) || performance.now() > giveUpAt) throw error;
      await sleep(50);
    }
  }
}

/** What is kept through what, where there is nothing to mend about it. */
function keeps({ states, waitReplicas }: RedisExamination): Finding[] {
  const good: string[] = [];
  if (states.every(({ evictionPolicy }) => evictionPolicy === 'noeviction'))
    good.push('state is never thrown away for want of memory (noeviction)');
  if (states.every(({ appendOnly }) => appendOnly))
    good.push(
      states.every(({ appendFsync }) => appendFsync === 'always')
        ? 'state is on the disk before it is acknowledged (appendfsync always)'
        : 'state survives a restart; a power cut may take the last second of it',
    );
  if (waitReplicas > 0) good.push(`writes are acknowledged when ${waitReplicas} replica(s) have them`);
  else if (states.every(({ replicas }) => replicas === 0))
    good.push('writes wait for no replica: what a server took with it when it died is lost');
  return good.map((finding) => ({ verdict: 'OK', about: 'live', finding }));
}
