import { setTimeout as wait } from 'node:timers/promises';
import { percentile, runLoad, type Work } from './load.ts';
import { withWire } from './members.ts';
import { operationNamed } from './operations.ts';
import { clockMs, overlap, type Standstill, watchStandstills } from './quiet.ts';
import type { Target } from './targets.ts';

/** What the token endpoint answers in while more people sign in than there are cores to check passwords with. */
export async function tokensWhileSignInsQueue(targets: readonly Target[]): Promise<void> {
  for (const target of targets.filter(({ ours }) => ours)) {
    const queue = { workers: 16, operations: 250 };
    const work = await operationNamed('password_sign_in').prepare(target, queue);
    const asking = await operationNamed('client_credentials').prepare(target, queue);
    let over = false;
    const [latencies] = await Promise.all([
      askNowAndThen(target, asking, () => over),
      runLoad(target, { work, workers: queue.workers, seconds: 60 }).finally(() => {
        over = true;
      }),
    ]);
    const [p50, p99] = [0.5, 0.99].map((share) => percentile(latencies, share).toFixed(0));
    console.log(
      `${target.name}: while 16 sign-ins queue, the token endpoint answers in ${p50} ms (p50), ${p99} ms (p99)`,
    );
  }
}

/** A steady trickle and not as much as there can be: the question is how long one request waits. */
async function askNowAndThen(target: Target, work: Work, isOver: () => boolean): Promise<number[]> {
  return withWire(target, async (wire) => {
    const asked: Standstill[] = [];
    const machine = watchStandstills();
    while (!isOver()) {
      const from = clockMs();
      await work(wire, 0);
      asked.push({ from, to: clockMs() });
      await wait(10);
    }
    const standstills = machine();
    return asked.map((one) => one.to - one.from - overlap(one, standstills));
  });
}
