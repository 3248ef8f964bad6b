import { days, hours, minutes } from '../kit/durations.ts';

/**
 * How long a try must wait after wrong ones in a row, and when it is over. Pure; failures.ts counts by it.
 *
 * A try at an account comes from a browser that signed in to it before, or from anywhere else. Anywhere else shares one
 * count, so an attacker can use it up; then the password is off there until recovery. A browser that is known has some
 * tries of its own that nobody else can use up. All together stay within the hundred of NIST SP 800-63B-4 section 3.2.2:
 *
 *   50 from anywhere else + 10 browsers x 5 = 100
 *
 * Ways to a second step share one count, whatever the method: a right code of one of them is as good as of another.
 */
export type Proof = 'password' | 'second_step' | 'reset_code';

export type Waits = {
  /** Wrong tries in a row before the first wait begins. */
  free: number;
  /** The wait after one more each, then the last one for good. */
  steps: readonly number[];
  /** After so many nothing is looked at any more; undefined: it waits for ever. */
  offAfter: number | undefined;
  why: string;
};

export const waits: Record<Proof, Waits> = {
  password: {
    free: 4,
    steps: [1, 2, 4, 8, 15].map((step) => step * minutes),
    offAfter: 50,
    why: 'Guesses at one password. Off until the password is set anew: by a reset, or by its owner who is signed in.',
  },
  second_step: {
    free: 4,
    steps: [1 * minutes, 2 * minutes, 4 * minutes, 8 * minutes, 15 * minutes, 1 * hours, 4 * hours, 1 * days],
    offAfter: 50,
    why: 'Guesses at six digits by somebody who has the password (RFC 4226 section 7.3). All methods together.',
  },
  reset_code: {
    free: 9,
    steps: [1, 2, 4, 8, 15, 30, 60].map((step) => step * minutes),
    // The way out of what is off must not be off itself. A code dies after five guesses, so each is at another number.
    offAfter: undefined,
    why: 'Guesses at codes that were sent to reset the password, over all codes and pages.',
  },
};

/** What a browser that signed in before may try wrongly in a row, of each proof; then it is like any other. */
export const triesOfKnownBrowser = 5;
export const mostKnownBrowsers = 10;

/** How long the next try waits after this many wrong ones in a row. */
export function waitAfter({ free, steps }: Waits, inARow: number): number {
  if (inARow <= free) return 0;
  return steps[Math.min(inARow - free, steps.length) - 1] ?? 0;
}
