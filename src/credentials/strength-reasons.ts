/**
 * Why a password is weak and what helps: a closed list of message keys (topic `strength`), so that every language has every
 * sentence. The English beside each is the meaning to translate. Left: what zxcvbn says.
 */
export const strengthReasons = {
  // What is wrong.
  straightRow: 'strength.keyboard_row', // Straight rows of keys are easy to guess.
  keyPattern: 'strength.keyboard_pattern', // Short keyboard patterns are easy to guess.
  simpleRepeat: 'strength.repeated_character', // Repeated characters like "aaa" are easy to guess.
  extendedRepeat: 'strength.repeated_pattern', // Repeated patterns like "abcabcabc" are easy to guess.
  sequences: 'strength.sequence', // Sequences like "abc" or "6543" are easy to guess.
  recentYears: 'strength.year', // Recent years are easy to guess.
  dates: 'strength.date', // Dates are easy to guess.
  topTen: 'strength.common', // This is a commonly used password.
  topHundred: 'strength.common',
  common: 'strength.common',
  pwned: 'strength.common',
  similarToCommon: 'strength.almost_common', // This is close to a commonly used password.
  wordByItself: 'strength.single_word', // A single word is easy to guess.
  namesByThemselves: 'strength.name', // Names are easy to guess.
  commonNames: 'strength.name',
  userInputs: 'strength.about_you', // Your name and address are the first that somebody would try.
  // What helps.
  l33t: 'strength.avoid_look_alikes', // Swaps like "@" for "a" do not help much.
  reverseWords: 'strength.avoid_reversed_words', // Words spelled backwards do not help much.
  allUppercase: 'strength.avoid_all_capitals', // All capitals are almost as easy to guess as none.
  capitalization: 'strength.avoid_first_capital', // A capital at the beginning does not help much.
  associatedYears: 'strength.avoid_years', // Leave out years that have to do with you.
  repeated: 'strength.avoid_repeating', // Avoid repeated words and characters.
  longerKeyboardPattern: 'strength.longer_pattern', // Use a longer keyboard pattern with more turns.
  anotherWord: 'strength.add_words', // Add another word or two. Uncommon words are better.
  useWords: 'strength.use_words', // Use a few words; avoid common phrases.
  noNeed: 'strength.no_symbols_needed', // Symbols, digits and capitals are not needed.
} as const;

export type StrengthReason = (typeof strengthReasons)[keyof typeof strengthReasons];
