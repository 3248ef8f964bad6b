import { statSync } from 'node:fs';
import { z } from 'zod';
import { isIssuer, onOff } from './kinds.ts';

/** Tokens that are bound to who sends them: certificates (RFC 8705) and proofs of a key (RFC 9449). */
export const sendersSettings = {
  MTLS_HEADER: z.enum(['client-cert', 'x-ssl-client-cert']).optional().meta({
    description:
      'Turns on certificates of apps (RFC 8705): the header in which a proxy of TRUSTED_PROXIES passes them. client-cert is RFC 9440, x-ssl-client-cert is nginx with $ssl_client_escaped_cert.',
  }),
  MTLS_CA: z
    .string()
    .refine((file) => statSync(file, { throwIfNoEntry: false })?.isFile() === true, 'there is no such file')
    .optional()
    .meta({
      description:
        'A PEM file of the authorities whose certificates apps may authenticate with. Unset: with x-ssl-client-cert the proxy verifies, and says SUCCESS in X-SSL-Client-Verify; with client-cert none is verified, and only apps that registered their own certificate (self_signed_tls_client_auth) are let in by it.',
    }),
  MTLS_ORIGIN: z
    .string()
    .refine(isIssuer, 'must be an https origin without path or slash at the end; http only for localhost')
    .optional()
    .meta({
      description:
        'A second address of this server, where the proxy asks for certificates: mtls_endpoint_aliases of discovery (RFC 8705 section 5).',
    }),
  DPOP_NONCE: onOff.default(false).meta({
    description:
      'on demands a nonce of ours in every DPoP proof (RFC 9449 section 8). Apps of high assurance always need one at the token endpoint.',
  }),
};
