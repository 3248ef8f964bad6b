import type { Middleware } from 'koa';
import type { Services } from '../../services.ts';

/**
 * The UserInfo endpoint as the one protected resource that is ours (RFC 9728): where it is, who gives tokens for it, and
 * how they may be bound. APIs of the company publish their own, which `latchkey apis metadata` prints.
 */
const userinfoMetadataPath = '/.well-known/oauth-protected-resource/userinfo';

export function userinfoMetadata({ settings }: Pick<Services, 'settings'>): Middleware {
  const { origin } = settings.issuer;
  const document = {
    resource: `${origin}/userinfo`,
    authorization_servers: [origin],
    jwks_uri: `${origin}/jwks`,
    scopes_supported: ['openid', 'profile', 'email', 'phone', 'address'],
    bearer_methods_supported: ['header', 'body'],
    tls_client_certificate_bound_access_tokens: settings.MTLS_HEADER !== undefined,
    dpop_signing_alg_values_supported: ['ES256', 'EdDSA', 'RS256', 'PS256'],
  };
  return (ctx, next) => {
    if (ctx.path !== userinfoMetadataPath || ctx.method !== 'GET') return next();
    ctx.set('Cache-Control', 'public, max-age=300');
    // Public, and read by apps in browsers.
    ctx.set('Access-Control-Allow-Origin', '*');
    ctx.body = document;
    return undefined;
  };
}
