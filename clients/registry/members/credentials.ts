import { z } from 'zod';
import { webAddress } from './kinds.ts';

const publicKeys = z.looseObject({
  keys: z
    .array(
      z
        .looseObject({ kty: z.enum(['RSA', 'EC', 'OKP'], 'must be RSA, EC or OKP.') })
        .refine((key) => !('d' in key) && !('k' in key), 'is a private key. Register the public key only.'),
    )
    .min(1, 'has no key. Add one.')
    .max(20, 'has more than 20 keys. Remove old ones.'),
});

/** How it proves itself, and what binds tokens to it. */
export const credentialMembers = {
  token_endpoint_auth_method: z
    .enum(['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'])
    .optional()
    .meta({ description: 'Without it: client_secret_basic; none for native apps.' }),
  token_endpoint_auth_signing_alg: z.enum(['RS256', 'PS256', 'ES256', 'EdDSA']).optional(),
  jwks: publicKeys.optional().meta({ description: 'Public keys, for private_key_jwt.' }),
  jwks_uri: webAddress.optional().meta({ description: 'Where its public keys are found.' }),
  dpop_bound_access_tokens: z.boolean().optional(),
};
