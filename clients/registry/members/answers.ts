import { contentEncryptionAlg, keyEncryptionAlg, signingAlg } from './algorithms.ts';

/** How what it is told is signed and encrypted (OpenID Connect Registration section 2, JARM section 3, RFC 9701 section 6). */
export const answerMembers = {
  id_token_signed_response_alg: signingAlg
    .optional()
    .meta({ description: 'Signs its ID tokens. Without it: RS256; ES256 with high_assurance.' }),
  id_token_encrypted_response_alg: keyEncryptionAlg
    .optional()
    .meta({ description: 'Encrypts its ID tokens to a key of its jwks.' }),
  id_token_encrypted_response_enc: contentEncryptionAlg.optional(),
  userinfo_signed_response_alg: signingAlg
    .optional()
    .meta({ description: 'UserInfo answers as a signed JWT. Without it: plain JSON.' }),
  userinfo_encrypted_response_alg: keyEncryptionAlg.optional(),
  userinfo_encrypted_response_enc: contentEncryptionAlg.optional(),
  authorization_signed_response_alg: signingAlg
    .optional()
    .meta({ description: 'Signs authorization responses with response_mode=jwt (JARM).' }),
  authorization_encrypted_response_alg: keyEncryptionAlg.optional(),
  authorization_encrypted_response_enc: contentEncryptionAlg.optional(),
  introspection_signed_response_alg: signingAlg
    .optional()
    .meta({ description: 'Signs introspection answers where a JWT is asked for (RFC 9701).' }),
  introspection_encrypted_response_alg: keyEncryptionAlg.optional(),
  introspection_encrypted_response_enc: contentEncryptionAlg.optional(),
};

/** The kinds of answers that can be signed and then encrypted: the beginnings of the members' names. */
export const answerKinds = ['id_token', 'userinfo', 'authorization', 'introspection'] as const;
