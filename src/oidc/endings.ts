import { hours } from '../kit/durations.ts';
import { newId } from '../kit/secrets.ts';
import type { Services } from '../services.ts';
import type { LiveKey, LiveStep } from '../store/live.ts';
import { memberPages } from '../store/live-members.ts';
import { commitTwice } from '../store/once-more.ts';
import { layout } from './live-layout.ts';

/**
 * Endings that nothing on its way can overtake. What is being made (a session by a sign-in, a grant from a consent) and
 * what ends it (a suspension, a new password, a consent that is withdrawn, an app that is disabled) lie in partitions of
 * their own, and no commit covers two. So both keep to an order:
 *
 *   whoever makes                                    whoever ends
 *   1. reads the generation of the index             a. writes the decision into the records
 *   2. reads in the records that it may be           b. changes the generation
 *   3. enters the index, if the generation is        c. reads the index
 *      still the one of 1: one commit                d. removes what is listed and leaves, whether it was there or
 *   4. writes the record, unless it bears the           not, the mark of an ending in the record's own partition:
 *      mark of an ending: one commit                    one commit each; and strikes it
 *
 * If 2 did not see the decision, it came before a, so 1 came before b. Then either 3 came after b and is refused, or
 * before b, and c finds it. If c finds it, either 4 came before d and d removes it, or after d and 4 finds the mark.
 * So nothing is left, on any process, whoever is slow and wherever somebody dies; an ending that was cut short can be
 * repeated. Where the reply to 4 is lost, it is done once more (once-more.ts): what was there and has ended in between
 * bears the mark, too, and does not come back. So one ending after the decision is enough, and for a decision that is felt
 * by itself (an app that is stopped, an account that is suspended) nothing else is done: a store that fails half-way leaves
 * it stopped, and a repeat goes on where that one got to. Where the decision can be taken only once (a consent or an
 * account that is removed, a code that is used up) b to d come before a as well, so that what is left after a failure can
 * be ended by the same button, and again after it.
 *
 * An index may list a million. Steps c and d go on page by page: what is listed before b stays at its place until d strikes
 * it, so it is met whatever else comes and goes.
 *
 * A grant that follows from a decision of before, on the way of an authorization request, is made in a shorter order: 3 and
 * no generation, then 2, then 4. If 2 did not see the decision, it came before a, so 3 came before b, and c finds what is
 * listed; the rest is as above. What is not to be made after all is taken off the index again. And where an ending comes
 * between 3 and 4, it is not made anew: the request is refused, and whoever asks again is judged by what is so then.
 *
 * Of several answers to one request on another device (cross-device/answer-asked.ts) each would make a grant of the same name.
 * So 4 is refused as well where the answer is not the one that counts any more; and what is not made after all is not taken
 * off the index, unless it bears the mark, for what another answer made is listed by the same entry.
 *
 * A generation is kept for longer than anything that was read in 1 can be used in 3 (an interaction lives an hour), a mark
 * for longer than a request takes from 3 to the last try of 4. That nothing is there is a generation like any other.
 */
const generationKept = 2 * hours;
const markKept = 1 * hours;

type Live = Pick<Services, 'live'>;
type LiveAndClock = Pick<Services, 'live' | 'clock'>;
export type Generation = string | undefined;

/** Step 1. */
export async function readGeneration({ live }: Live, index: LiveKey): Promise<Generation> {
  const [entry] = await live.read([layout.generation(index)]);
  return entry?.value;
}

/** Step 3. False when an ending came between. */
export async function enterIndex(
  { live }: Live,
  { index, member, expiresAt }: { index: LiveKey; member: string; expiresAt: number },
  generation: Generation,
): Promise<boolean> {
  const entered = await commitTwice({ live }, [
    { do: 'expect', key: layout.generation(index), value: generation },
    { do: 'enlist', key: index, member, expiresAt },
  ]);
  return entered.ok;
}

/** Step 4, the first half: what refuses to write a record that has ended. */
export function unlessEnded(mark: LiveKey): LiveStep {
  return { do: 'expect', key: mark, value: undefined };
}

/** Steps b and c: what is listed, page by page, and nothing enters any more that began before. */
export async function* closeIndex({ live, clock }: LiveAndClock, index: LiveKey): AsyncGenerator<string[]> {
  const value = `${newId()} ${clock.now()}`;
  await live.commit([{ do: 'put', key: layout.generation(index), value, ttlMs: generationKept }]);
  for await (const page of memberPages({ live }, index)) yield page.map(({ member }) => member);
}

/** Whether the last ending came after `moment` (epoch ms), for what was proved before step 1 and is used after it. */
export function isEndedSince(generation: Generation, moment: number): boolean {
  return Number(generation?.split(' ')[1] ?? 0) > moment;
}

/** Step d. Answers whether the record was there. */
export async function removeAndMark(
  { live }: Live,
  { record, mark }: { record: LiveKey; mark: LiveKey },
): Promise<boolean> {
  const ended: LiveStep = { do: 'put', key: mark, value: '', ttlMs: markKept };
  const taken = await live.commit([{ do: 'take', key: record }, ended]);
  if (!taken.ok) await live.commit([ended, { do: 'delete', key: record }]);
  return taken.ok;
}
