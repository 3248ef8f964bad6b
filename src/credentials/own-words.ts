import { repeatedUnit } from './password-text.ts';

/**
 * Whether the WHOLE password is made of words that anybody knows about its owner or about this service: a name, the
 * address, the brand, in any order, case and spelling with look-alike digits, with at most four characters around
 * them (a year, a "1!"). A long sentence in which the name occurs is not close to it.
 * NIST SP 800-63B-4 section 3.1.1.2: "the name of the service, the username, and derivatives thereof".
 */
export function isMadeOfOwnWords(password: string, about: readonly string[]): boolean {
  const words = ownWords(about);
  if (words.length === 0) return false;
  const written = bare(password);
  return cores(repeatedUnit(written) ?? written).some((core) => isMadeOf(core, words));
}

/** Words under three characters would make too much "close"; two hundred words are more than any name has. */
const leastWordLength = 3;
const mostWords = 200;

function ownWords(about: readonly string[]): string[] {
  const words = about
    .flatMap((text) => [text, ...text.split(/[^\p{L}\p{M}\p{N}]+/u)])
    .map((w) => spelled(bare(w)));
  // A phone number is also known without its country code.
  const digits = about.map(bare).filter((text) => /^\d{9,15}$/.test(text));
  const numbers = digits.flatMap((text) => [1, 2, 3].map((cut) => spelled(text.slice(cut))));
  return [...new Set([...words, ...numbers])].filter((w) => w.length >= leastWordLength).slice(0, mostWords);
}

/** Lower case without accents' composition quirks, spaces and punctuation. */
function bare(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}@$!]/gu, '')
    .replace(/^[@$!]+|[@$!]+$/g, '');
}

const lookAlikes: Record<string, string> = {
  '0': 'o',
  '1': 'i',
  l: 'i',
  '!': 'i',
  '3': 'e',
  '4': 'a',
  '@': 'a',
  '5': 's',
  $: 's',
  '7': 't',
  '8': 'b',
  '9': 'g',
};

/** One letter for each group of look-alikes; done to both sides, so it decides nothing on its own. */
function spelled(text: string): string {
  return Array.from(text, (character) => lookAlikes[character] ?? character).join('');
}

/** What is left when up to four characters are taken away at the ends, as people do to satisfy a rule. */
function cores(text: string): string[] {
  const cuts = [0, 1, 2, 3, 4];
  return cuts
    .flatMap((start) =>
      cuts.filter((end) => start + end <= 4).map((end) => text.slice(start, text.length - end)),
    )
    .filter((core) => core.length >= Math.max(leastWordLength, text.length - 4))
    .map(spelled);
}

/** Whether the text is one or more of the words in a row; linear in text and words, whatever an attacker names himself. */
function isMadeOf(text: string, words: readonly string[]): boolean {
  const reachable = [true];
  for (let end = 1; end <= text.length; end += 1)
    reachable[end] = words.some(
      (w) => reachable[end - w.length] === true && text.startsWith(w, end - w.length),
    );
  return reachable[text.length] === true;
}
