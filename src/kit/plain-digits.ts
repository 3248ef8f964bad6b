/** Zeros of the digits people's keyboards have: Arabic-Indic, Persian, Devanagari, full-width. */
const zeros = [0x0660, 0x06f0, 0x0966, 0xff10];

/** The same text with its digits in ASCII, whichever keyboard they were typed on. */
export function plainDigits(text: string): string {
  return Array.from(text, (character) => {
    const point = character.codePointAt(0) ?? 0;
    const zero = zeros.find((first) => point >= first && point < first + 10);
    return zero === undefined ? character : String(point - zero);
  }).join('');
}
