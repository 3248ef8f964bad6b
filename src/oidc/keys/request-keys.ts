import { createECDH } from 'node:crypto';
import type { JWK } from 'oidc-provider';
import { digest } from '../../kit/secrets.ts';
import type { Services } from '../../services.ts';

/**
 * The keys that apps encrypt their request objects to (RFC 9101 section 6.1): published beside those that sign, with the
 * use `enc`. They follow from SECRETS_KEY, so that every process has them and nothing more is to be kept; while an older
 * SECRETS_KEY is listed, what was encrypted to its key is still read. A request object lives for minutes.
 */
export function requestKeys({ seals }: Pick<Services, 'seals'>): JWK[] {
  return seals.deriveEach('request objects', 32).map(toJwk);
}

/** What a request object may be encrypted by: these, and nothing with a password or with RSA (RFC 8725 section 3.2). */
export const requestEncryptionAlgs = ['ECDH-ES', 'ECDH-ES+A128KW', 'ECDH-ES+A256KW'] as const;

function toJwk(secret: Buffer): JWK {
  const pair = createECDH('prime256v1');
  // Of 2^32 secrets one is too large for the curve; this throws then, at start, and another SECRETS_KEY helps.
  pair.setPrivateKey(secret);
  const point = pair.getPublicKey();
  const part = (from: number) => point.subarray(from, from + 32).toString('base64url');
  const [x, y] = [part(1), part(33)];
  const kid = digest(`request objects ${x}`).slice(0, 22);
  return { kty: 'EC', crv: 'P-256', use: 'enc', kid, x, y, d: secret.toString('base64url') };
}
