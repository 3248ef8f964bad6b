import type { Translator } from '../../src/web/words.ts';

/**
 * A sentence with a moment in it, in three pieces, so that the moment can be a <time> element, which scripts write in
 * the reader's own time zone: `Signed in `, ms, ``.
 */
export type SentenceWithTime = { before: string; ms: number; after: string; ago: boolean };

export function withDate(words: Translator, key: string, ms: number): SentenceWithTime {
  return { ...split(words, key, 'date'), ms, ago: false };
}

export function withAgo(words: Translator, key: string, ms: number): SentenceWithTime {
  return { ...split(words, key, 'ago'), ms, ago: true };
}

function split(words: Translator, key: string, name: string): { before: string; after: string } {
  const mark = '\ufffc';
  const [before = '', after = ''] = words.t(key, { [name]: mark }).split(mark);
  return { before, after };
}
