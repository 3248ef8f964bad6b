import { z } from 'zod';
import { address, list, wholeNumber } from './kinds.ts';
import { checkRedisAddress } from './plainly.ts';

/** Where the records and the live state are kept, and the keys that protect them. */
export const storesSettings = {
  DATABASE_URL: address('postgres:', 'postgresql:')
    .optional()
    .meta({ description: 'PostgreSQL for the records. Unset: SQLite in DATA_DIR.' }),
  REDIS_URL: z.string().superRefine(checkRedisAddress).optional().meta({
    description:
      'Redis for the live state: `redis://host`, `redis+sentinel://host,host,host/primary` or `redis+cluster://host,host,host`; with TLS `rediss://`, `rediss+sentinel://` and `rediss+cluster://`. Unset: SQLite in DATA_DIR.',
  }),
  REDIS_WAIT_REPLICAS: wholeNumber(0, 10).optional().meta({
    description:
      'How many replicas of Redis must have a write before it is acknowledged. Unset: 1 with sentinels and on a Cluster that has replicas, else 0.',
  }),
  REDIS_WAIT_MS: wholeNumber(10, 5000).optional().meta({
    description:
      'How long a write waits for them, in milliseconds; then the answer is 503. Unset: three tenths of STORE_TIMEOUT_MS. At most half of it.',
  }),
  STORE_TIMEOUT_MS: wholeNumber(500, 10_000).default(1000).meta({
    description:
      'How long a store may take to answer what a page asks of it, in milliseconds; then the answer is 503. More only where the stores are far away or their machine stands still at times: whoever waits for a store that is gone waits as long.',
  }),
  DATA_DIR: z
    .string()
    .min(1)
    .default('./data')
    .meta({ description: 'The folder of the embedded stores and of the secrets made on first start.' }),
  SECRETS_KEY: list.optional().meta({
    description:
      'Encryption at rest: 32 random bytes as base64url (`openssl rand 32 | basenc --base64url`); several, newest first, to rotate. Made once and kept in DATA_DIR when the records are embedded; required otherwise.',
  }),
  COOKIE_KEYS: list.optional().meta({
    description:
      'Signs cookies: one or more random strings of 32 characters or more, newest first. Made once and kept in DATA_DIR when the records are embedded; required otherwise.',
  }),
};
