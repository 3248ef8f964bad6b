import { createPrivateKey, createPublicKey, type JsonWebKey, type KeyObject, sign } from 'node:crypto';
import type { JWK } from 'oidc-provider';
import { ExternalSigningKey } from 'oidc-provider';

/**
 * A signing key of ours that signs where it stands. The engine signs by WebCrypto, which hands each token to another
 * thread and back: for ES256 that costs four times the signature itself. RSA, whose signature takes milliseconds, stays
 * there, so that it does not hold up everybody else; it is published without `alg` (RFC 7517 section 4.4 leaves it open),
 * since the same key signs RS256 and PS256.
 */
export function toEngineKey({ alg, ...jwk }: JWK): JWK | ExternalSigningKey {
  if (jwk.kty === 'RSA') return jwk as JWK;
  return alg === 'ES256' || alg === 'EdDSA' ? new LocalSigningKey({ alg, ...jwk }) : ({ alg, ...jwk } as JWK);
}

export class LocalSigningKey extends ExternalSigningKey {
  readonly #kid: string;
  readonly #alg: string;
  readonly #private: KeyObject;
  readonly #public: KeyObject;

  constructor(jwk: JWK) {
    super();
    this.#kid = String(jwk.kid);
    this.#alg = String(jwk.alg);
    this.#private = createPrivateKey({ key: jwk as JsonWebKey, format: 'jwk' });
    this.#public = createPublicKey(this.#private);
  }

  override get kid(): string {
    return this.#kid;
  }

  override get alg(): string {
    return this.#alg;
  }

  override keyObject(): KeyObject {
    return this.#public;
  }

  override async sign(data: Uint8Array): Promise<Uint8Array> {
    return this.signNow(data);
  }

  signNow(data: Uint8Array): Buffer {
    // Ed25519 has one form and hashes by itself.
    if (this.#alg !== 'ES256') return sign(null, data, this.#private);
    return sideBySide(sign('sha256', data, this.#private));
  }
}

const partLength = 32;

/**
 * ECDSA's r and s as JOSE has them, side by side (RFC 7518 section 3.4), from DER. Node does that too (`ieee-p1363`), and
 * then OpenSSL exports the key anew each time, which costs as much as the signature.
 */
function sideBySide(der: Buffer): Buffer {
  const parts = Buffer.alloc(2 * partLength);
  // SEQUENCE, its length, INTEGER, its length: at this size each length is one byte.
  const lengthOfR = der[3] ?? 0;
  copyNumber(der.subarray(4, 4 + lengthOfR), parts, partLength);
  copyNumber(der.subarray(4 + lengthOfR + 2), parts, 2 * partLength);
  return parts;
}

/** DER leaves leading zeros out, and puts one in front of what would look negative. */
function copyNumber(number: Buffer, into: Buffer, end: number): void {
  const digits = number.subarray(Math.max(0, number.length - partLength));
  digits.copy(into, end - digits.length);
}
