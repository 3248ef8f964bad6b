import { type Configuration, errors, type KoaContextWithOIDC } from 'oidc-provider';
import type { Services } from '../../services.ts';
import { isHighAssurance, strongAlgorithms } from '../assurance/high-assurance.ts';

type Features = NonNullable<Configuration['features']>;

/**
 * Proofs of possession (RFC 9449). Nonces are made from a secret that all processes share, so one that any of them gave
 * is good at every other (section 8). They are demanded of everybody by DPOP_NONCE, and always of apps of high assurance
 * where the app is known before the proof is looked at: at the token endpoint and where requests are pushed.
 */
export function dpop({
  settings,
  seals,
}: Pick<Services, 'settings' | 'seals'>): NonNullable<Features['dPoP']> {
  return {
    enabled: true,
    nonceSecret: seals.derive('dpop-nonce', 32),
    requireNonce(ctx: KoaContextWithOIDC) {
      const { client } = ctx.oidc;
      if (!client || !isHighAssurance(client)) return settings.DPOP_NONCE;
      assertStrongProof(ctx.get('DPoP'));
      return true;
    },
  };
}

/** FAPI 2.0 Security Profile section 5.4.1: nothing of RSA with PKCS #1 v1.5. */
function assertStrongProof(proof: string): void {
  if (!strongAlgorithms.some((alg) => alg === algorithmOf(proof)))
    throw new errors.InvalidDpopProof(
      'the proof is signed by an algorithm that high assurance does not allow',
    );
}

function algorithmOf(proof: string): unknown {
  try {
    return (JSON.parse(Buffer.from(proof.split('.')[0] ?? '', 'base64url').toString()) as { alg?: unknown })
      .alg;
  } catch {
    return undefined;
  }
}
