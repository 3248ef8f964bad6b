import { isIP } from 'node:net';
import { z } from 'zod';
import { signingAlg } from './algorithms.ts';
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

const inCertificate = (pattern: RegExp, sentence: string) =>
  z.string().max(1024, 'is longer than 1024 characters.').regex(pattern, sentence).optional();

/** How it proves itself, and what binds tokens to it. */
export const credentialMembers = {
  token_endpoint_auth_method: z
    .enum([
      'client_secret_basic',
      'client_secret_post',
      'private_key_jwt',
      'tls_client_auth',
      'self_signed_tls_client_auth',
      'none',
    ])
    .optional()
    .meta({ description: 'Without it: client_secret_basic; none for native apps.' }),
  token_endpoint_auth_signing_alg: signingAlg.optional(),
  jwks: publicKeys
    .optional()
    .meta({ description: 'Public keys, for private_key_jwt, signed requests and encryption.' }),
  jwks_uri: webAddress.optional().meta({ description: 'Where its public keys are found.' }),
  tls_client_auth_subject_dn: inCertificate(
    /^[^\p{Cc}]*=[^\p{Cc}]*$/u,
    'must be a distinguished name as RFC 4514 writes it, such as CN=app,O=Example.',
  ).meta({ description: 'The subject of its certificate, for tls_client_auth (RFC 8705 section 2.1.2).' }),
  tls_client_auth_san_dns: inCertificate(
    /^[A-Za-z0-9.*_-]+$/,
    'must be a host name, as it stands in the certificate.',
  ),
  tls_client_auth_san_uri: inCertificate(
    /^[A-Za-z][A-Za-z0-9+.-]*:[\x21-\x7e]+$/,
    'must be an address (URI), as it stands in the certificate.',
  ),
  tls_client_auth_san_ip: z
    .string()
    .refine((text) => isIP(text) !== 0, 'must be an IP address.')
    .optional(),
  tls_client_auth_san_email: z.email('must be an e-mail address.').max(254).optional(),
  tls_client_certificate_bound_access_tokens: z
    .boolean()
    .optional()
    .meta({ description: 'Its access tokens are good only with its certificate (RFC 8705 section 3).' }),
  use_mtls_endpoint_aliases: z.boolean().optional(),
  dpop_bound_access_tokens: z
    .boolean()
    .optional()
    .meta({ description: 'Its access tokens are good only with its DPoP key (RFC 9449 section 5.2).' }),
};

/** What of a certificate names the app, for `tls_client_auth`: exactly one of them. */
export const certificateSubjects = [
  'tls_client_auth_subject_dn',
  'tls_client_auth_san_dns',
  'tls_client_auth_san_uri',
  'tls_client_auth_san_ip',
  'tls_client_auth_san_email',
] as const;
