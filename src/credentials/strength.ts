import { createRequire } from 'node:module';
import type { ZxcvbnFactory } from '@zxcvbn-ts/core';
import { isCommonPassword } from './common-passwords.ts';
import { isMadeOfOwnWords } from './own-words.ts';
import { passwordText } from './password-text.ts';
import { type StrengthReason, strengthReasons } from './strength-reasons.ts';

export type Strength = { score: 0 | 1 | 2 | 3 | 4; reasons: StrengthReason[] };

/**
 * The estimate's work grows with the square of the length and more, on the thread that answers everybody. What stands
 * behind this many characters makes no password easier to guess, so the head alone errs on the safe side.
 */
const mostCharacters = 32;
/** Where the words of a dictionary end that are worth their memory: the rest is rare, and rare is what we ask for. */
const mostWords = 10_000;

/**
 * How hard a password is to guess, 0 to 4 (4: out of reach), and why, for the meter beside the field. Advice only: what is
 * refused is `checkNewPassword`'s to say, and whatever it refuses as common or too close is 0 here.
 */
export function judgePassword(password: string, about: readonly string[]): Strength {
  const text = passwordText(password);
  if (!text) return { score: 0, reasons: ['strength.use_words'] };
  if (isMadeOfOwnWords(text, about)) return { score: 0, reasons: ['strength.about_you'] };
  if (isCommonPassword(text)) return { score: 0, reasons: ['strength.common', 'strength.add_words'] };
  const head = Array.from(text).slice(0, mostCharacters).join('');
  const { score, feedback } = estimator().check(head, about.flatMap(words));
  const said = [feedback.warning, ...feedback.suggestions].filter((reason) => reason !== null);
  return { score, reasons: [...new Set(said.map(messageKey))] };
}

function messageKey(said: string): StrengthReason {
  const key = strengthReasons[said as keyof typeof strengthReasons];
  if (!key) throw new Error(`zxcvbn says "${said}", which has no sentence in strength-reasons.ts`);
  return key;
}

function words(text: string): string[] {
  return [text, ...text.split(/[^\p{L}\p{N}]+/u).filter((word) => word.length > 2)].slice(0, 50);
}

let loaded: ZxcvbnFactory | undefined;

/**
 * Loaded at the first password that is judged, never at start: its dictionaries cost tens of megabytes. `require`, so that
 * judging stays a plain function call; both builds are the same code.
 */
function estimator(): ZxcvbnFactory {
  if (loaded) return loaded;
  const load = createRequire(import.meta.url);
  const { ZxcvbnFactory: Factory } = load('@zxcvbn-ts/core') as typeof import('@zxcvbn-ts/core');
  const common = load('@zxcvbn-ts/language-common') as typeof import('@zxcvbn-ts/language-common');
  const english = load('@zxcvbn-ts/language-en') as typeof import('@zxcvbn-ts/language-en');
  const dictionary = Object.fromEntries(
    Object.entries({ ...common.dictionary, ...english.dictionary }).map(([name, list]) => [
      name,
      list.slice(0, mostWords),
    ]),
  );
  loaded = new Factory({ dictionary, graphs: common.adjacencyGraphs, l33tMaxSubstitutions: 8 });
  return loaded;
}
