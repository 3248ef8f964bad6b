import { type BoundedQueue, openBoundedQueue } from './bounded-queue.ts';

/** One piece of work at a time for each key, with a bounded line behind it; the keys do not know each other. */
export type Lines = { run<Result>(key: string, work: () => Promise<Result>): Promise<Result> };

/** `depth`: how many may wait behind the one that runs; the next gets QueueFull with `retryAfter` seconds. */
export function openLines(bounds: { depth: number; retryAfter: number }): Lines {
  const lines = new Map<string, BoundedQueue>();
  return {
    async run(key, work) {
      const line = lines.get(key) ?? openBoundedQueue({ width: 1, ...bounds });
      lines.set(key, line);
      try {
        return await line.run(work);
      } finally {
        const { waiting, running } = line.load();
        if (waiting + running === 0) lines.delete(key);
      }
    },
  };
}
