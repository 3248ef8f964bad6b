import { createHash } from 'node:crypto';
import type { Fields, Person } from './person.ts';

/** Does what the script of a page under pressure does, for people whose browser runs none. Answers the form's fields, none while all is calm. */
export function workedOut(person: Person): Fields {
  const read = (name: string) => person.html.attribute('div', { class: 'challenge' }, name) ?? '';
  const [token, bits, parts] = [
    read('data-challenge'),
    Number(read('data-bits')),
    Number(read('data-parts')),
  ];
  if (token === '') return {};
  const [, seed = ''] = token.split('.');
  const numbers = Array.from({ length: parts }, (_, part) => find(seed, part, bits));
  return { challenge: token, challenge_answer: numbers.join('.') };
}

function find(seed: string, part: number, bits: number): number {
  for (let number = 0; ; number += 1) {
    const hash = createHash('sha256').update(`${seed}.${part}.${number}`).digest();
    if (Math.clz32(hash.readUInt32BE(0)) >= bits) return number;
  }
}
