/** The time, handed down so that a test can own it. Milliseconds since 1970-01-01T00:00:00Z. */
export type Clock = { now(): number };

// Date.now is read on each call, never captured: tests that move the clock replace it.
export const systemClock: Clock = { now: () => Date.now() };

/** Seconds since the epoch, as JWT and the engine count (RFC 7519 section 2, NumericDate). */
export function epochSeconds(clock: Clock): number {
  return Math.floor(clock.now() / 1000);
}
