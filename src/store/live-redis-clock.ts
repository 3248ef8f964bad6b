import { seconds } from '../kit/durations.ts';

/**
 * A server's clock as its answers tell it, against our own that never jumps. With it a commit says until when it may
 * begin: a server that stood still, or a way to it that did, must not do later what its caller was told did not happen;
 * the caller's honest second attempt would look like a thief's.
 *
 * An answer was written before it is read, so each shows the least by which the server is ahead; the most of some seconds
 * is near the truth. Where the clock jumped forward a commit is refused once, and that refusal tells the new time.
 */
export function openServerClock(now: () => number = () => performance.now()) {
  let ahead: { ms: number; since: number } | undefined;
  return {
    heard(theirMs: number): void {
      const ms = theirMs - now();
      if (!ahead || ms > ahead.ms || now() - ahead.since > 10 * seconds) ahead = { ms, since: now() };
    },
    /** Their time when a patience of ours that begins now is over. */
    latest(patienceMs: number): number | '' {
      return ahead ? Math.floor(now() + patienceMs + ahead.ms) : '';
    },
  };
}
