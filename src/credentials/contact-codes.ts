import { hours, minutes } from '../kit/durations.ts';
import { done, type Outcome, refused } from '../kit/outcome.ts';
import { newDigits, newId, sameSecret } from '../kit/secrets.ts';
import type { Services } from '../services.ts';
import { nowOrLater, type Spent, spendOnce, unspend } from '../store/in-doubt.ts';
import type { LiveKey } from '../store/live.ts';
import { typedCode } from './typed-code.ts';

/**
 * Six digits sent to an address, to show that its messages are read by the person at the keyboard
 * (NIST SP 800-63B-4 section 3.1.3.2).
 *
 * Two keys and a counter a code, all in the partition of (purpose, about), so one atomic step can judge them:
 *
 *   {code:<mac>}:code             the one code that is good now; another one sent replaces it
 *   {code:<mac>}:guesses          guesses at any code of this purpose and about, over an hour: resending buys none
 *   {code:<mac>}:guesses:<id>     guesses at this code
 *
 *   issued --right--> spent        --wrong x 5, 10 minutes, or a newer one--> dead
 */
export const contactCodeLifeMs = 10 * minutes;
const mostContactCodeGuesses = 5;
const guessWindowMs = 1 * hours;

export type ContactCodePurpose = 'sign_up' | 'reset' | 'second_step' | 'step_up' | 'text_step' | 'risk';
/** `about` is what the code is bound to (the interaction and the address): no other page, person or address may use it. */
type Binding = { purpose: ContactCodePurpose; about: string };
type CodeContext = Pick<Services, 'live' | 'seals'>;
type Spending = CodeContext & Pick<Services, 'log'>;
type StoredCode = { id: string; mac: string; data: string };

/**
 * Makes a code; whatever was sent before for the same purpose and `about` is dead. `data` comes back with the right code.
 * `guessesLeft` is 0 when the hour's guesses are used up: do not send it, let the person start over.
 */
export async function issueContactCode(
  { live, seals }: CodeContext,
  { purpose, about, data }: Binding & { data: object },
): Promise<{ id: string; code: string; guessesLeft: number }> {
  const keys = codeKeys(seals, { purpose, about });
  const [id, code] = [newId(), newDigits(6)];
  const value = storedCode(seals, { id, purpose, about, code, data });
  await live.commit([{ do: 'put', key: keys.code, value, ttlMs: contactCodeLifeMs }]);
  const { count } = await live.count(keys.guesses, guessWindowMs, 0);
  return { id, code, guessesLeft: Math.max(0, mostContactCodeGuesses - count) };
}

/**
 * Checks a code and spends it. `expired` says nothing but: this code is no good any more, whatever was typed. `used`, for who
 * finds that it came to nothing.
 */
export async function checkContactCode(
  ctx: Spending,
  { id, purpose, about, code }: Binding & { id: string; code: string },
): Promise<Outcome<{ data: Record<string, unknown>; used: UsedCode }, 'wrong_code' | 'expired'>> {
  const { live, seals } = ctx;
  const keys = codeKeys(seals, { purpose, about });
  const [entry] = await live.read([keys.code]);
  const stored: StoredCode | undefined = entry && JSON.parse(entry.value);
  if (!entry || entry.consumedBy !== undefined || stored?.id !== id) return refused('expired');
  const typed = typedCode(code);
  if (typed === undefined) return refused('wrong_code');
  // Counted before it is compared: of a thousand guesses in parallel, five are looked at (misuse case RC-15).
  if (!(await takeGuess(live, keys, id))) return refused('expired');
  if (!sameSecret(stored.mac, codeMac(seals, { id, purpose, about, code: typed })))
    return refused('wrong_code');
  // Of two right answers at once, and of a right answer and a newer code, one wins.
  const used = await spendOnce(ctx, { key: keys.code, expect: entry.value, ttlMs: () => returnedLifeMs });
  if (!used) return refused('expired');
  // Only failures add up: a right answer gives its guess back. It is right also where that is not heard.
  await live.count(keys.guesses, guessWindowMs, -1).catch(() => undefined);
  return { ...done, data: JSON.parse(seals.open('contact-code', stored.data)), used };
}

const returnedLifeMs = 2 * minutes;
export type UsedCode = Spent;

/**
 * Makes a right code good again whose use came to nothing because a store was away: the person comes again with it, as the
 * page asks. Not when a newer one was sent meanwhile. Where the live state is away too it is good again once that answers.
 */
export async function returnContactCode(ctx: Pick<Services, 'live' | 'log'>, used: UsedCode): Promise<void> {
  await nowOrLater(ctx, () => unspend(ctx, used));
}

function storedCode(
  seals: Services['seals'],
  { data, ...named }: Binding & { id: string; code: string; data: object },
): string {
  const stored: StoredCode = {
    id: named.id,
    mac: codeMac(seals, named),
    data: seals.seal('contact-code', JSON.stringify(data)),
  };
  return JSON.stringify(stored);
}

/** The count for this code keeps its five even when the hour of the other count ends in the middle of its life. */
async function takeGuess(live: Services['live'], keys: CodeKeys, id: string): Promise<boolean> {
  const counts = await Promise.all([
    live.count(keys.guesses, guessWindowMs, 1),
    live.count(`${keys.guesses}:${id}`, contactCodeLifeMs, 1),
  ]);
  return counts.every(({ count }) => count <= mostContactCodeGuesses);
}

type CodeKeys = { code: LiveKey; guesses: LiveKey };

function codeKeys(seals: Services['seals'], { purpose, about }: Binding): CodeKeys {
  const mac = seals.mac('contact-code-about', `${purpose} ${about}`);
  return { code: `{code:${mac}}:code`, guesses: `{code:${mac}}:guesses` };
}

/** A million codes are hashed in a blink, so a plain digest hides nothing: keyed, and bound to all that the code is for. */
function codeMac(
  seals: Services['seals'],
  { id, purpose, about, code }: Binding & { id: string; code: string },
): string {
  return seals.mac('contact-code', JSON.stringify([id, purpose, about, code]));
}
