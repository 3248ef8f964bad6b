/** Zeros of the digits people's keyboards have: ASCII, Arabic-Indic, Persian, Devanagari, full-width. */
const zeros = [0x30, 0x0660, 0x06f0, 0x0966, 0xff10];

/**
 * A six-digit code as a person types or pastes it: with spaces or a hyphen, in the digits of their keyboard. Undefined when
 * it is not six digits, so that nothing else ever reaches a comparison or counts as a guess.
 */
export function typedCode(text: string): string | undefined {
  if (text.length > 40) return undefined;
  const digits = Array.from(text.replace(/[\p{Z}\p{Cf}-]/gu, ''), (character) => {
    const point = character.codePointAt(0) ?? 0;
    const zero = zeros.find((first) => point >= first && point < first + 10);
    return zero === undefined ? 'x' : String(point - zero);
  }).join('');
  return /^\d{6}$/.test(digits) ? digits : undefined;
}
