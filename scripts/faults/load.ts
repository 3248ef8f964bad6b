import { mix } from './operations.ts';
import type { Stage } from './stage.ts';

/**
 * Open loop: operations begin at a fixed rate whatever becomes of those before, for a server that stands still would
 * otherwise be asked nothing while it does. Which operation comes when is chosen anew, the same for each run.
 */
export type Load = {
  /** Begins no more, and waits for what is under way. */
  stop(): Promise<void>;
  /** The most that this process itself was late, in ms: what it saw later than that was not the server's doing. */
  ownDelay(): number;
};

export function startLoad(stage: Stage, { rate }: { rate: number }): Load {
  const startedAt = performance.now();
  const underWay = new Set<Promise<void>>();
  const failures: unknown[] = [];
  let begun = 0;
  let lookedAt = startedAt;
  let ownDelay = 0;
  const timer = setInterval(() => {
    const at = performance.now();
    ownDelay = Math.max(ownDelay, at - lookedAt - 5);
    lookedAt = at;
    const due = Math.floor(((at - startedAt) / 1000) * rate);
    for (; begun < due; begun += 1) {
      const work = choose(stage.random())(stage).catch((error: unknown) => void failures.push(error));
      const tracked: Promise<void> = work.finally(() => underWay.delete(tracked));
      underWay.add(tracked);
    }
  }, 5);
  stage.over.addEventListener('abort', () => clearInterval(timer));
  return {
    ownDelay: () => ownDelay,
    async stop() {
      clearInterval(timer);
      await Promise.all(underWay);
      // A mistake of the load's own is not an answer of the server.
      if (failures.length > 0) throw new AggregateError(failures, `the load failed: ${failures[0]}`);
    },
  };
}

const whole = mix.reduce((sum, { share }) => sum + share, 0);

function choose(point: number): (typeof mix)[number]['work'] {
  let left = point * whole;
  for (const { share, work } of mix) {
    left -= share;
    if (left < 0) return work;
  }
  return (mix[0] as (typeof mix)[number]).work;
}

/** A small generator with a seed (mulberry32), so that a run can be repeated. */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
