import { setTimeout as sleep } from 'node:timers/promises';
import type { Finding } from './finding.ts';

export function answered(about: string, where: string, ms: number): Finding {
  const finding = `${where} answers in ${ms.toFixed(1)} ms`;
  return ms < 50
    ? { verdict: 'OK', about, finding }
    : {
        verdict: 'WARN',
        about,
        finding,
        advice: 'each request asks it several times: put it nearer, or look for what slows it',
      };
}

/** The median of five, since the first one also makes the connection. */
export async function timed(ask: () => Promise<unknown>): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    const start = performance.now();
    await ask();
    times.push(performance.now() - start);
    await sleep(1);
  }
  return times.sort((a, b) => a - b)[2] ?? 0;
}

/** The innermost cause of an error, in words. */
export function reasonOf(error: unknown): string {
  const { cause, message, code } = error as Error & { code?: string };
  if (cause) return reasonOf(cause);
  return message || code || String(error);
}
