// Control characters, line and paragraph separators, bidirectional controls: what makes one line look like two, or like
// another (a forged log line, a terminal's escape sequence, a reversed file name).
const unprintable = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu;

/** Text from outside as it may stand in a record: at most `most` characters, each of them harmless to whoever reads it. */
export function printable(text: string, most: number): string {
  // Cut first, so that 60 KB cost nothing, and cut again, since an escape is longer than what it stands for.
  const escaped = text.slice(0, most).toWellFormed().replaceAll(unprintable, spellOut);
  return escaped.slice(0, most).toWellFormed();
}

function spellOut(character: string): string {
  return `\\u{${character.codePointAt(0)?.toString(16)}}`;
}
