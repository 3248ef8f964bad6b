import { hash, randomInt, timingSafeEqual } from 'node:crypto';
import { random } from './random.ts';

/**
 * 22 URL-safe characters, some 132 bits: for ids that are not secret but must never collide or be guessed. The first is
 * a letter or digit: an id that begins with a dash reads like a flag on a command line.
 */
export function newId(): string {
  const id = random(17).toString('base64url').slice(0, 22);
  return /^[A-Za-z0-9]/.test(id) ? id : newId();
}

/** 43 URL-safe characters, 256 bits: for what lets its holder in. */
export function newSecret(): string {
  return random(32).toString('base64url');
}

/** A code of `digits` decimal digits for a person to type, each digit from the system's random source. */
export function newDigits(digits: number): string {
  return Array.from({ length: digits }, () => randomInt(10)).join('');
}

/**
 * How a random secret is kept: SHA-256, base64url. Only for secrets of 128 bits and more; what a person chose
 * needs a slow hash (NIST SP 800-63B-4 section 3.1.1.2).
 */
export function digest(secret: string): string {
  return hash('sha256', secret, 'base64url');
}

/** Compares in a time that does not depend on where the strings differ, nor on their lengths. */
export function sameSecret(one: string, other: string): boolean {
  // As text first: a digest comes out of OpenSSL as a text for a quarter of what it costs as a buffer.
  return timingSafeEqual(Buffer.from(digest(one), 'latin1'), Buffer.from(digest(other), 'latin1'));
}
