import { createPrivateKey, createPublicKey, type JsonWebKey, type KeyObject, sign } from 'node:crypto';
import type { JWK } from 'oidc-provider';
import { ExternalSigningKey } from 'oidc-provider';

/**
 * A signing key of ours that signs where it stands. The engine signs by WebCrypto, which hands each token to another
 * thread and back: for ES256 that costs four times the signature itself. RSA, whose signature takes milliseconds, stays
 * there, so that it does not hold up everybody else.
 */
export function toEngineKey(jwk: JWK): JWK | ExternalSigningKey {
  return jwk.alg === 'ES256' ? new LocalSigningKey(jwk) : jwk;
}

class LocalSigningKey extends ExternalSigningKey {
  readonly #kid: string;
  /** With r and s side by side (RFC 7518 section 3.4), not in DER. */
  readonly #how: { key: KeyObject; dsaEncoding: 'ieee-p1363' };
  readonly #public: KeyObject;

  constructor(jwk: JWK) {
    super();
    this.#kid = String(jwk.kid);
    const key = createPrivateKey({ key: jwk as JsonWebKey, format: 'jwk' });
    this.#how = { key, dsaEncoding: 'ieee-p1363' };
    this.#public = createPublicKey(key);
  }

  override get kid(): string {
    return this.#kid;
  }

  override get alg(): string {
    return 'ES256';
  }

  override keyObject(): KeyObject {
    return this.#public;
  }

  override async sign(data: Uint8Array): Promise<Uint8Array> {
    return sign('sha256', data, this.#how);
  }
}
