import { signingAlgs } from '../../../clients/registry/members/algorithms.ts';

/**
 * How apps prove who they are where they revoke tokens and ask about them: as at the token endpoint. Left out, the discovery
 * document would say that a secret in the header is all there is (RFC 8414 section 2). A public app is told of no token.
 */
export function endpointMethods(methods: readonly string[]): Record<string, readonly string[]> {
  return {
    revocation_endpoint_auth_methods_supported: methods,
    revocation_endpoint_auth_signing_alg_values_supported: signingAlgs,
    introspection_endpoint_auth_methods_supported: methods.filter((method) => method !== 'none'),
    introspection_endpoint_auth_signing_alg_values_supported: signingAlgs,
  };
}
