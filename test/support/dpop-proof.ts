import { generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { signJwt } from './assertion.ts';
import type { RelyingParty } from './relying-party.ts';

export type KeyPair = { publicKey: KeyObject; privateKey: KeyObject };
export const newKeyPair = (): KeyPair => generateKeyPairSync('ec', { namedCurve: 'P-256' });

/** The header that proves a key at the token endpoint (RFC 9449). */
export function proofOf(app: RelyingParty, { publicKey, privateKey }: KeyPair): { dpop: string } {
  const htu = app.endpoint('token');
  const claims = { jti: randomUUID(), iat: Math.floor(Date.now() / 1000), htm: 'POST', htu };
  const jwk = publicKey.export({ format: 'jwk' });
  return { dpop: signJwt({ typ: 'dpop+jwt', alg: 'ES256', jwk }, claims, privateKey) };
}
