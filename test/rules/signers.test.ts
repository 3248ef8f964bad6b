import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { type CryptoKey, compactVerify, decodeProtectedHeader, type JWK } from 'jose';
import { openSigners } from '../../src/oidc/keys/signers.ts';

const pairs = {
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  EdDSA: () => generateKeyPairSync('ed25519'),
  RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
} as const;

function newKey(alg: keyof typeof pairs, kid: string): { jwk: JWK; publicKey: KeyObject } {
  const { privateKey, publicKey } = pairs[alg]();
  return { jwk: { ...privateKey.export({ format: 'jwk' }), alg, kid, use: 'sig' } as JWK, publicKey };
}

describe.each(['ES256', 'EdDSA', 'RS256'] as const)('a signer of %s', (alg) => {
  const newest = newKey(alg, 'newest');
  const signers = openSigners([newest.jwk, newKey(alg, 'retiring').jwk]);
  const payload = JSON.stringify({ sub: 'Zoë', text: '漢字' });

  it('makes what everybody can verify, by the key that signs now', async () => {
    const jws = String(await signers.get(alg)?.(payload));
    const verified = await compactVerify(jws, newest.publicKey as unknown as CryptoKey, {
      algorithms: [alg],
    });
    expect(Buffer.from(verified.payload).toString()).toBe(payload);
    expect(decodeProtectedHeader(jws)).toEqual({ alg, kid: 'newest' });
  });

  it('has nothing for another algorithm', () => {
    expect([...signers.keys()]).toEqual([alg]);
  });
});

it('writes r and s of ECDSA side by side, also the few that begin with zeros', async () => {
  const { jwk, publicKey } = newKey('ES256', 'only');
  const sign = openSigners([jwk]).get('ES256');
  // One in 128 has a zero in front of r or s; of this many, some have for certain.
  for (let number = 0; number < 3000; number += 1) {
    const jws = String(sign?.(`{"number":${number}}`));
    await compactVerify(jws, publicKey as unknown as CryptoKey);
  }
});
