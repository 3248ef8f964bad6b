import { plainDigits } from '../kit/plain-digits.ts';

/**
 * A six-digit code as a person types or pastes it: with spaces or a hyphen, in the digits of their keyboard. Undefined when
 * it is not six digits, so that nothing else ever reaches a comparison or counts as a guess.
 */
export function typedCode(text: string): string | undefined {
  if (text.length > 40) return undefined;
  const digits = plainDigits(text.replace(/[\p{Z}\p{Cf}-]/gu, ''));
  return /^\d{6}$/.test(digits) ? digits : undefined;
}
