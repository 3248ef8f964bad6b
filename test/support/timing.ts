import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Times that were promised, on a machine that others use too: what a call took, without the time in which this process
 * was ready to go on and the machine did not let it.
 */
export async function timed(
  call: () => Promise<unknown>,
): Promise<{ error: unknown; value: unknown; ms: number }> {
  const since = watchTime();
  const ended = await call().then(
    (value) => ({ value, error: undefined }),
    (error: unknown) => ({ value: undefined, error }),
  );
  return { ...ended, ms: since() };
}

// What comes soon comes late on a busy machine. Whoever promises a time looks at the `ms` of the answer.
const atLeastMs = 30_000;

/** What comes by itself, and when, no test may depend on. It looks every few milliseconds and gives up after a minute. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const giveUpAt = performance.now() + 60_000;
  while (!(await holds())) {
    if (performance.now() > giveUpAt) throw new Error('it never came about');
    await sleep(10);
  }
}

/** Tries until it succeeds; answers what it got and after how many milliseconds. Gives up after `withinMs`, or half a minute. */
export async function untilWorks<Result>(
  withinMs: number,
  attempt: () => Promise<Result>,
): Promise<{ value: Result; ms: number }> {
  const startedAt = performance.now();
  const since = watchTime();
  for (;;) {
    try {
      return { value: await attempt(), ms: since() };
    } catch (error) {
      if (performance.now() - startedAt > Math.max(withinMs, atLeastMs)) {
        since();
        throw error;
      }
      await sleep(25);
    }
  }
}

/** What a computation costs this thread, in milliseconds: the least of five tries, since all else that happens adds to it. */
export async function costOf(work: () => unknown): Promise<number> {
  const costs: number[] = [];
  for (let tries = 0; tries < 5; tries += 1) {
    const before = process.threadCpuUsage();
    await work();
    costs.push(cpuSince(before));
  }
  return Math.min(...costs);
}

const beatMs = 5;
// A timer may be this late on a machine that has nothing else to do.
const usualMs = 10;
let watching = 0;
let lost = 0;
let beat: NodeJS.Timeout | undefined;
let last = { at: 0, cpu: process.threadCpuUsage() };

/** Answers how to end it: with the milliseconds since, without those that were lost to others. */
function watchTime(): () => number {
  if (watching === 0) {
    last = { at: performance.now(), cpu: process.threadCpuUsage() };
    beat = setInterval(look, beatMs);
  }
  watching += 1;
  const begun = { at: performance.now(), lost };
  return () => {
    look();
    watching -= 1;
    if (watching === 0) clearInterval(beat);
    return performance.now() - begun.at - (lost - begun.lost);
  };
}

/** This thread was to look every few milliseconds. What it is late by, and did not spend on its own work, was lost. */
function look(): void {
  const now = { at: performance.now(), cpu: process.threadCpuUsage() };
  const late = now.at - last.at - beatMs - cpuSince(last.cpu);
  if (late > usualMs) lost += late;
  last = now;
}

function cpuSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1000;
}
