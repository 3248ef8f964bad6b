import type { Worker } from 'node:cluster';
import { AggregatorRegistry, type Registry } from 'prom-client';
import { seconds } from '../kit/durations.ts';

/**
 * What all workers count, added up. Not by clusterMetrics of prom-client: it asks also those that are only starting, or have
 * just gone, and then fails. Who goes while it is asked is left out; who is there and says nothing fails the whole, since
 * numbers that fall and rise again would look like a restart.
 */
const question = 'latchkey:numbers?';
const answer = 'latchkey:numbers';
const patience = 5 * seconds;

type Numbers = Awaited<ReturnType<Registry['getMetricsAsJSON']>>;
type Said = { type?: unknown; round?: unknown; numbers?: Numbers };

let rounds = 0;

export async function numbersOf(listening: readonly Worker[]): Promise<string> {
  rounds += 1;
  const round = rounds;
  const all = await Promise.all(listening.map((worker) => ask(worker, round)));
  return AggregatorRegistry.aggregate(all.filter((numbers) => numbers !== undefined)).metrics();
}

/** Said once in each worker: what the first process asks for is this registry. */
export function shareNumbers(registry: Registry): void {
  process.on('message', (message) => {
    const { type, round } = message as Said;
    if (type !== question) return;
    registry.getMetricsAsJSON().then(
      (numbers) => process.send?.({ type: answer, round, numbers }, undefined, {}, () => {}),
      () => {},
    );
  });
}

function ask(worker: Worker, round: number): Promise<Numbers | undefined> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => settle(() => reject(new Error('a worker does not answer'))), patience);
    const gone = () => settle(() => resolve(undefined));
    const hear = (said: Said) => {
      if (said.type === answer && said.round === round) settle(() => resolve(said.numbers));
    };
    function settle(end: () => void) {
      clearTimeout(late);
      worker.off('message', hear).off('exit', gone).off('disconnect', gone);
      end();
    }
    worker.on('message', hear).on('exit', gone).on('disconnect', gone);
    worker.send({ type: question, round }, (error) => error && gone());
  });
}
