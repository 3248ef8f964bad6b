import { clockMs } from './quiet.ts';
import { openWire, type Wire } from './wire.ts';

/** One operation of one worker; `done` when what was prepared is used up. */
export type Work = (wire: Wire, worker: number) => Promise<'done' | undefined>;

/** Milliseconds; moments by the clock that the processes share. */
export type Load = {
  operations: number;
  /** How long each took, and when it was over. */
  latencies: number[];
  ends: number[];
  from: number;
  to: number;
  /** All of it. */
  seconds: number;
};

/** Closed loop: each worker has a connection of its own and begins an operation when its last one is over. */
export async function runLoad(
  { port }: { port: number },
  { work, workers, seconds }: { work: Work; workers: number; seconds: number },
): Promise<Load> {
  const wires = await Promise.all(Array.from({ length: workers }, () => openWire(port)));
  const [latencies, ends]: [number[], number[]] = [[], []];
  const from = clockMs();
  const endAt = from + seconds * 1000;
  await Promise.all(
    wires.map(async (wire, worker) => {
      for (let before = from; before < endAt; ) {
        if ((await work(wire, worker)) === 'done') return;
        const now = clockMs();
        latencies.push(now - before);
        ends.push(now);
        before = now;
      }
    }),
  );
  const to = clockMs();
  for (const wire of wires) wire.close();
  return { operations: latencies.length, seconds: (to - from) / 1000, latencies, ends, from, to };
}

/** The value below which `share` of them lie. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
