import { list, wholeNumber } from './kinds.ts';

/** What passwords cost whoever sets, checks or guesses them. */
export const passwordsSettings = {
  PASSWORD_PEPPER: list.optional().meta({
    description:
      'Optional secrets mixed into password hashes (base64url, 32 bytes), newest first. Hashes made with a pepper need it for good.',
  }),
  PASSWORD_MIN_LENGTH: wholeNumber(8, 64).default(8).meta({
    description: 'The least number of characters of a new password (NIST SP 800-63B-4: at least 8).',
  }),
  ARGON2_MEMORY_KIB: wholeNumber(19456, 1048576).default(19456).meta({
    description: 'argon2id memory in KiB. Raised: each password is hashed again at its next sign-in.',
  }),
  ARGON2_PASSES: wholeNumber(2, 20).default(2).meta({ description: 'argon2id passes over the memory.' }),
  HASH_QUEUE: wholeNumber(1, 10000)
    .default(64)
    .meta({ description: 'How many password checks may wait; the next one gets 503 with Retry-After.' }),
  CHALLENGE_BITS: wholeNumber(0, 26).default(16).meta({
    description:
      'How much work a browser proves under pressure: 2 to the power of this many hashes. 16 is about a second; 0 turns the challenge off.',
  }),
};
