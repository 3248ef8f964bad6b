import { constants, createPrivateKey, type JsonWebKey, sign } from 'node:crypto';
import { promisify } from 'node:util';
import type { JWK } from 'oidc-provider';
import { LocalSigningKey } from './local-signing-key.ts';

/** Signs a text as a JWS (RFC 7515 section 3.1), by the key that signs now for an algorithm. */
type Signer = (payload: string) => string | Promise<string>;
export type Signers = ReadonlyMap<string, Signer>;

/** `jwks`: those that sign now come first (signing-keys.ts), and the engine takes the first that fits as well. */
export function openSigners(jwks: readonly JWK[]): Signers {
  const first = (alg: string) => jwks.find((jwk) => jwk.alg === alg);
  const [ec, ed, rsa] = [first('ES256'), first('EdDSA'), first('RS256')];
  return new Map<string, Signer>([
    ...(ec ? [['ES256', signerHere(ec)] as const] : []),
    ...(ed ? [['EdDSA', signerHere(ed)] as const] : []),
    ...(rsa ? [['RS256', signerElsewhere(rsa)] as const] : []),
  ]);
}

function signerHere(jwk: JWK): Signer {
  const key = new LocalSigningKey(jwk);
  const head = headOf(String(jwk.alg), jwk);
  return (payload) => {
    const text = `${head}.${encoded(payload)}`;
    return `${text}.${key.signNow(Buffer.from(text, 'latin1')).toString('base64url')}`;
  };
}

const signOnAnotherThread = promisify(sign);

/** An RSA signature takes milliseconds, and others wait meanwhile. */
function signerElsewhere({ alg, ...jwk }: JWK): Signer {
  const key = createPrivateKey({ key: jwk as JsonWebKey, format: 'jwk' });
  const head = headOf(String(alg), jwk as JWK);
  const how = { key, padding: constants.RSA_PKCS1_PADDING };
  return async (payload) => {
    const text = `${head}.${encoded(payload)}`;
    const signature = await signOnAnotherThread('sha256', Buffer.from(text, 'latin1'), how);
    return `${text}.${signature.toString('base64url')}`;
  };
}

function headOf(alg: string, { kid }: JWK): string {
  return encoded(JSON.stringify({ alg, kid }));
}

function encoded(text: string): string {
  return Buffer.from(text).toString('base64url');
}
