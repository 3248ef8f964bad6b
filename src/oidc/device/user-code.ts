import { randomInt } from 'node:crypto';

/**
 * What a device shows and a person types (RFC 8628 section 6.1): eight letters without vowels, so that no code is a word, and
 * without what looks alike. 20^8 codes, some 34 bits.
 */
export const userCodeMask = '****-****';

const letters = 'BCDFGHJKLMNPQRSTVWXZ';
const shape = new RegExp(`^[${letters}]{8}$`);

/**
 * However it was typed: small letters, blanks, dashes or dots anywhere, wide letters of Japanese keyboards. Undefined when it
 * cannot be a code, which is no guess.
 */
export function readUserCode(typed: string): string | undefined {
  const plain = typed
    .slice(0, 100)
    .normalize('NFKC')
    .toUpperCase()
    .replace(/[^\p{L}\p{N}]/gu, '');
  return shape.test(plain) ? plain : undefined;
}

export function newUserCode(): string {
  return Array.from({ length: 8 }, () => letters.charAt(randomInt(letters.length))).join('');
}

/** As the device shows it. */
export function showUserCode(normalised: string): string {
  return `${normalised.slice(0, 4)}-${normalised.slice(4)}`;
}
