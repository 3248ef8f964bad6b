import { z } from 'zod';

/**
 * The algorithms an app may choose among, by their JOSE names (RFC 7518, RFC 8037). No symmetric ones: they would need
 * the app's secret itself, and we keep its digest. RSA with PKCS #1 v1.5 for encryption has padding oracles (RFC 8725
 * section 3.2) and is not among them.
 */
export const signingAlgs = ['RS256', 'PS256', 'ES256', 'EdDSA'] as const;
export const keyEncryptionAlgs = [
  'RSA-OAEP',
  'RSA-OAEP-256',
  'ECDH-ES',
  'ECDH-ES+A128KW',
  'ECDH-ES+A256KW',
] as const;
export const contentEncryptionAlgs = ['A128CBC-HS256', 'A256CBC-HS512', 'A128GCM', 'A256GCM'] as const;

/** What a message is encrypted with where only the key's algorithm was named (OpenID Connect Registration section 2). */
export const usualContentEncryption = 'A128CBC-HS256';

export const signingAlg = z.enum(signingAlgs);
export const keyEncryptionAlg = z.enum(keyEncryptionAlgs);
export const contentEncryptionAlg = z.enum(contentEncryptionAlgs);
