import { createPublicKey, type JsonWebKey, type KeyObject, verify } from 'node:crypto';
import { type CborMap, NotCbor, readCbor } from './webauthn-cbor.ts';

/**
 * The keys we take, by their COSE numbers: EdDSA with Ed25519 (-8), ES256 (-7) and RS256 (-257), in the order of our liking.
 * Windows Hello on older machines knows RS256 alone. The browser is asked for these, and it is checked here again,
 * since the page's script can be edited by whoever holds the browser (misuse case WA-15).
 */
export const algorithms = [-8, -7, -257] as const;
type Algorithm = (typeof algorithms)[number];

export type PublicKey = { algorithm: Algorithm; key: KeyObject };

/** A COSE_Key (RFC 9052 section 7, RFC 9053); undefined for one that we do not take. */
export function readPublicKey(cose: Uint8Array): PublicKey | undefined {
  const map = mapOf(cose);
  const algorithm = algorithms.find((known) => known === map?.get(3));
  const jwk = map && algorithm && toJwk(map, algorithm);
  if (!jwk) return undefined;
  const key = importKey(jwk);
  return key && isStrong(key) ? { algorithm, key } : undefined;
}

/** `signature` as WebAuthn has it (section 6.5.5): DER for ES256, raw for Ed25519. False for whatever is not one. */
export function isSignedBy(
  { algorithm, key }: PublicKey,
  { data, signature }: { data: Uint8Array; signature: Uint8Array },
): boolean {
  try {
    return verify(algorithm === -8 ? null : 'sha256', data, key, signature);
  } catch {
    return false;
  }
}

function mapOf(cose: Uint8Array): CborMap | undefined {
  try {
    const value = readCbor(cose);
    return value instanceof Map ? value : undefined;
  } catch (error) {
    if (error instanceof NotCbor) return undefined;
    throw error;
  }
}

/** Each algorithm goes with one kind of key and one curve (WebAuthn section 5.8.5), or the signer could choose. */
function toJwk(map: CborMap, algorithm: Algorithm): JsonWebKey | undefined {
  const [kty, crv, x, y] = [map.get(1), map.get(-1), map.get(-2), map.get(-3)];
  if (algorithm === -257) {
    const [n, e] = [map.get(-1), map.get(-2)];
    return kty === 3 && isBytes(n) && isBytes(e) ? { kty: 'RSA', n: text(n), e: text(e) } : undefined;
  }
  if (algorithm === -8) {
    const fits = kty === 1 && crv === 6 && isBytes(x) && x.length === 32;
    return fits ? { kty: 'OKP', crv: 'Ed25519', x: text(x) } : undefined;
  }
  const fits = kty === 2 && crv === 1 && isBytes(x) && isBytes(y) && x.length === 32 && y.length === 32;
  return fits ? { kty: 'EC', crv: 'P-256', x: text(x), y: text(y) } : undefined;
}

/** Node refuses points that are not on the curve. */
function importKey(jwk: JsonWebKey): KeyObject | undefined {
  try {
    return createPublicKey({ key: jwk, format: 'jwk' });
  } catch {
    return undefined;
  }
}

/** RSA of 2048 bits and more (NIST SP 800-131A), and not so large that checking it becomes work. */
function isStrong({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): boolean {
  if (asymmetricKeyType !== 'rsa') return true;
  const { modulusLength = 0, publicExponent = 0n } = asymmetricKeyDetails ?? {};
  return modulusLength >= 2048 && modulusLength <= 8192 && publicExponent === 65537n;
}

function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array;
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}
