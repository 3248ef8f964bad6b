import type { Primitive } from './primitive.ts';
import type { Raced } from './race.ts';

/**
 * Whether the rounds of a row have shown anything, as sentences when not: a race that nobody won shows nothing, and stores that
 * were too busy excuse little of it. A machine that does other things too has one such round in a hundred now and then. Behind
 * the jitter, where each answer of a store waits for a dozen others, half of them may.
 */
export function showsTooLittle(
  { leaves }: Pick<Primitive, 'leaves'>,
  {
    kind,
    rounds,
    uses,
    won,
    tooBusy,
    busy,
  }: Pick<Raced, 'kind' | 'rounds' | 'uses' | 'won' | 'tooBusy' | 'busy'>,
): string[] {
  // Where something ends beside the uses, being first is rare.
  const least = Math.floor(rounds * (leaves === 0 ? 0.05 : 0.5));
  const [ofRounds, ofAnswers] = kind === 'jitter' ? [0.5, 0.9] : [0.1, 0.5];
  // And a few more, so that ten rounds can have an unlucky one too.
  const busyRounds = Math.floor(rounds * ofRounds) + 2;
  const busyAnswers = Math.floor(rounds * uses * ofAnswers) + 2 * uses;
  const faults: string[] = [];
  if (won + Math.min(tooBusy, busyRounds) < least)
    faults.push(`only ${won} of ${rounds} rounds had a winner`);
  if (tooBusy > busyRounds)
    faults.push(`${tooBusy} of ${rounds} rounds had 503 and no winner; ${busyRounds} may`);
  // Losers that are told 503 show no more than winners that are.
  if (busy > busyAnswers) faults.push(`${busy} of ${rounds * uses} answers were 503; ${busyAnswers} may be`);
  return faults;
}
