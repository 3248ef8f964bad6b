/** Prints random secrets for compose.yaml: `node scripts/make-env.mjs > .env`. Any Node from 20 on. */
import { randomBytes } from 'node:crypto';

const secret = (bytes) => randomBytes(bytes).toString('base64url');

process.stdout.write(`# Made by scripts/make-env.mjs. Keep it safe: without SECRETS_KEY the records cannot be read.
POSTGRES_PASSWORD=${secret(24)}
REDIS_PASSWORD=${secret(24)}
SECRETS_KEY=${secret(32)}
COOKIE_KEYS=${secret(32)}
`);
