/** The most characters a password may have. Far above any passphrase, low enough that nobody can send us work. */
export const maxPasswordLength = 256;

/**
 * The one form in which a password is counted, judged and hashed: Unicode NFC, so that the same word typed on another
 * keyboard is the same password (NIST SP 800-63B-4 section 3.1.1.2). Nothing is trimmed, folded or cut.
 * Undefined when it is not text: a NUL or another control character, which some systems cut at, or half a surrogate
 * pair, which UTF-8 cannot carry, so that two different passwords would hash alike.
 */
export function passwordText(password: string): string | undefined {
  if (!password.isWellFormed() || /\p{Cc}/u.test(password)) return undefined;
  return password.normalize('NFC');
}

/** What people call characters, near enough: code points, each counted as one (NIST SP 800-63B-4 section 3.1.1.2). */
export function characterCount(text: string): number {
  return [...text].length;
}

/** The piece of which the whole text is a repetition ("abcabc": "abc"), or undefined. */
export function repeatedUnit(text: string): string | undefined {
  // A text is a repetition exactly when it is found inside its own double at a place other than its ends.
  const length = (text + text).indexOf(text, 1);
  return length < text.length ? text.slice(0, length) : undefined;
}
