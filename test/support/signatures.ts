import { createPublicKey, type JsonWebKey, verify } from 'node:crypto';

/** A key set as it is published. */
export type Jwks = { keys: (JsonWebKey & { kid: string; alg?: string; use?: string })[] };

export function headerOf(jwt: string): { alg: string; kid: string; typ?: string } {
  return JSON.parse(Buffer.from(jwt.split('.')[0] ?? '', 'base64url').toString());
}

export function payloadOf(jwt: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString());
}

/** Whether a key of this set signed it, by nothing but what the key set and RFC 7515 say. */
export function isSignedBy(jwt: string, { keys }: Jwks): boolean {
  const [header = '', payload = '', signature = ''] = jwt.split('.');
  const { alg, kid } = headerOf(jwt);
  const jwk = keys.find((one) => one.kid === kid && (one.alg ?? alg) === alg);
  if (!jwk) return false;
  const key = createPublicKey({ key: jwk, format: 'jwk' });
  const how = {
    RS256: { key },
    PS256: { key, padding: 6, saltLength: 32 },
    ES256: { key, dsaEncoding: 'ieee-p1363' as const },
    EdDSA: { key },
  }[alg];
  const data = Buffer.from(`${header}.${payload}`);
  return (
    how !== undefined &&
    verify(alg === 'EdDSA' ? null : 'sha256', data, how, Buffer.from(signature, 'base64url'))
  );
}
