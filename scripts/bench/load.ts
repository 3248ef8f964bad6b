import { performance } from 'node:perf_hooks';
import { openWire, type Wire } from './wire.ts';

/** One operation of one worker; `done` when what was prepared is used up. */
export type Work = (wire: Wire, worker: number) => Promise<'done' | undefined>;

export type Load = { operations: number; seconds: number; latencies: number[] };

/** Closed loop: each worker has a connection of its own and begins an operation when its last one is over. */
export async function runLoad(
  { port }: { port: number },
  { work, workers, seconds }: { work: Work; workers: number; seconds: number },
): Promise<Load> {
  const wires = await Promise.all(Array.from({ length: workers }, () => openWire(port)));
  const latencies: number[] = [];
  const start = performance.now();
  const endAt = start + seconds * 1000;
  await Promise.all(
    wires.map(async (wire, worker) => {
      for (let before = start; before < endAt; ) {
        if ((await work(wire, worker)) === 'done') return;
        const now = performance.now();
        latencies.push(now - before);
        before = now;
      }
    }),
  );
  const elapsed = (performance.now() - start) / 1000;
  for (const wire of wires) wire.close();
  return { operations: latencies.length, seconds: elapsed, latencies };
}

/** The value below which `share` of them lie. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
