import { setTimeout as sleep } from 'node:timers/promises';

/** How a call ended, and after how many milliseconds: for promises about never hanging. */
export async function timed(
  call: () => Promise<unknown>,
): Promise<{ error: unknown; value: unknown; ms: number }> {
  const startedAt = performance.now();
  const ended = await call().then(
    (value) => ({ value, error: undefined }),
    (error: unknown) => ({ value: undefined, error }),
  );
  return { ...ended, ms: performance.now() - startedAt };
}

/** Tries until it succeeds; answers what it got and after how many milliseconds. Gives up after `withinMs`. */
export async function untilWorks<Result>(
  withinMs: number,
  attempt: () => Promise<Result>,
): Promise<{ value: Result; ms: number }> {
  const startedAt = performance.now();
  for (;;) {
    try {
      return { value: await attempt(), ms: performance.now() - startedAt };
    } catch (error) {
      if (performance.now() - startedAt > withinMs) throw error;
      await sleep(25);
    }
  }
}
