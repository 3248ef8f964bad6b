import { z } from 'zod';
import { contentEncryptionAlg, signingAlg } from './algorithms.ts';
import { webAddress } from './kinds.ts';

/** What must be true of its requests: pushed, signed, encrypted (RFC 9126, RFC 9101), or asked behind the back (CIBA). */
export const requestMembers = {
  require_pushed_authorization_requests: z
    .boolean()
    .optional()
    .meta({ description: 'Authorization requests must be pushed first (RFC 9126).' }),
  require_signed_request_object: z
    .boolean()
    .optional()
    .meta({ description: 'Authorization requests must be signed request objects (RFC 9101).' }),
  request_object_signing_alg: signingAlg
    .optional()
    .meta({ description: 'The one algorithm of its request objects. Without it: any of these.' }),
  request_object_encryption_alg: z
    .enum(['ECDH-ES', 'ECDH-ES+A128KW', 'ECDH-ES+A256KW'])
    .optional()
    .meta({ description: 'It encrypts its request objects by it, to the key of ours with the use enc.' }),
  request_object_encryption_enc: contentEncryptionAlg.optional(),
  backchannel_token_delivery_mode: z
    .enum(['poll', 'ping'])
    .optional()
    .meta({ description: 'How it learns of a decision it asked for (CIBA section 4).' }),
  backchannel_client_notification_endpoint: webAddress
    .optional()
    .meta({ description: 'Where it is told that there is a decision, with ping.' }),
  backchannel_authentication_request_signing_alg: signingAlg
    .optional()
    .meta({ description: 'Its requests for a decision are signed with it. Without it: plain.' }),
  backchannel_user_code_parameter: z
    .boolean()
    .refine((wanted) => !wanted, 'must be false: there are no user codes here.')
    .optional(),
};
