import type { Api } from '../../../clients/registry/apis/apis.ts';
import { textIn } from '../../../clients/registry/apis/members.ts';
import type { Services } from '../../services.ts';

/**
 * What an API says of itself (RFC 9728 section 2), so that an app that was refused finds out where to get a token: for the
 * API's own server to publish (docs/integrate.md). It names no signing keys: JWTs are verified with those of the issuer.
 */
export function apiMetadata({ settings }: Pick<Services, 'settings'>, api: Api): Record<string, unknown> {
  const { name } = api;
  const translated = typeof name === 'string' ? [] : Object.entries(name);
  return {
    resource: api.identifier,
    authorization_servers: [settings.issuer.origin],
    scopes_supported: api.scopes.map((scope) => scope.name),
    bearer_methods_supported: ['header'],
    resource_name: textIn(name, 'en'),
    ...Object.fromEntries(translated.map(([language, text]) => [`resource_name#${language}`, text])),
    tls_client_certificate_bound_access_tokens: settings.MTLS_HEADER !== undefined,
    dpop_signing_alg_values_supported: ['ES256', 'EdDSA', 'RS256', 'PS256'],
  };
}
