import type { ClientMetadata } from '../../../clients/registry/metadata.ts';

type Forced = Partial<ClientMetadata> & { signs_answers?: boolean };

/**
 * What an app of high assurance is to the engine, whatever it wrote of itself: its requests are pushed and its tokens
 * bound (FAPI 2.0 Security Profile sections 5.3.2.1 and 5.3.2.2), to its certificate when it says so, else to a key of
 * DPoP. An app that registered how its answers are signed gets no others (FAPI 2.0 Message Signing section 5.4).
 */
export function forcedMembers(metadata: ClientMetadata): Forced {
  if (!metadata.high_assurance) return {};
  const { authorization_signed_response_alg: signed } = metadata;
  return {
    require_pushed_authorization_requests: true,
    ...(metadata.tls_client_certificate_bound_access_tokens ? {} : { dpop_bound_access_tokens: true }),
    authorization_signed_response_alg: signed ?? 'ES256',
    introspection_signed_response_alg: metadata.introspection_signed_response_alg ?? 'ES256',
    signs_answers: signed !== undefined,
  };
}
