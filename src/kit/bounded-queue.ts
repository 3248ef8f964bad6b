/** Thrown when the queue is full. `retryAfter` is in seconds: the answer is 503 with Retry-After. */
export class QueueFull extends Error {
  readonly retryAfter: number;
  constructor(retryAfter: number) {
    super('too much work is waiting');
    this.name = 'QueueFull';
    this.retryAfter = retryAfter;
  }
}

/** Runs at most `width` pieces of work at once and lets at most `depth` wait; the rest are refused at once. */
export type BoundedQueue = {
  run<Result>(work: () => Promise<Result>): Promise<Result>;
  /** How many wait and how many run, for the metrics. */
  load(): { waiting: number; running: number };
};

export function openBoundedQueue({
  width,
  depth,
  retryAfter,
}: {
  width: number;
  depth: number;
  retryAfter: number;
}): BoundedQueue {
  const waiting: (() => void)[] = [];
  let running = 0;

  function leave(): void {
    running -= 1;
    const next = waiting.shift();
    if (!next) return;
    running += 1;
    next();
  }

  return {
    async run(work) {
      if (running < width) running += 1;
      else if (waiting.length >= depth) throw new QueueFull(retryAfter);
      else await new Promise<void>((start) => waiting.push(start));
      try {
        return await work();
      } finally {
        leave();
      }
    },
    load: () => ({ waiting: waiting.length, running }),
  };
}
