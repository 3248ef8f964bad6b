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

class LocalSigningKey extends ExternalSigningKey {
  readonly #kid: string;
  readonly #alg: string;
  /** ECDSA with r and s side by side (RFC 7518 section 3.4), not in DER; Ed25519 has one form and hashes by itself. */
  readonly #how: { key: KeyObject; dsaEncoding?: 'ieee-p1363' };
  readonly #hash: 'sha256' | null;
  readonly #public: KeyObject;

  constructor(jwk: JWK) {
    super();
    this.#kid = String(jwk.kid);
    this.#alg = String(jwk.alg);
    const key = createPrivateKey({ key: jwk as JsonWebKey, format: 'jwk' });
    this.#how = this.#alg === 'ES256' ? { key, dsaEncoding: 'ieee-p1363' } : { key };
    this.#hash = this.#alg === 'ES256' ? 'sha256' : null;
    this.#public = createPublicKey(key);
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
    return sign(this.#hash, data, this.#how);
  }
}
