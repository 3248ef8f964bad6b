import type { Middleware } from 'koa';

/**
 * The addresses of the engine and the methods they know. The engine lets a method it does not know fall through, as if
 * the address were not there; a developer is better served by 405 (RFC 9110 section 15.5.6).
 */
export const providerAddresses: Record<string, { methods: string[]; what: string }> = {
  '/.well-known/openid-configuration': { methods: ['GET'], what: 'Discovery (OpenID Connect Discovery 1.0)' },
  '/.well-known/oauth-authorization-server': { methods: ['GET'], what: 'Discovery (RFC 8414)' },
  '/.well-known/oauth-protected-resource/userinfo': {
    methods: ['GET'],
    what: 'The UserInfo endpoint as a protected resource (RFC 9728)',
  },
  '/jwks': { methods: ['GET'], what: 'The public signing keys (RFC 7517)' },
  '/authorize': {
    methods: ['GET', 'POST'],
    what: 'Authorization endpoint (RFC 6749 section 3.1, OpenID Connect Core)',
  },
  '/par': { methods: ['POST'], what: 'Pushed authorization requests (RFC 9126)' },
  '/token': {
    methods: ['POST'],
    what: 'Token endpoint (RFC 6749 section 3.2, PKCE RFC 7636, DPoP RFC 9449)',
  },
  '/userinfo': { methods: ['GET', 'POST'], what: 'UserInfo (OpenID Connect Core section 5.3)' },
  '/introspect': { methods: ['POST'], what: 'Token introspection (RFC 7662)' },
  '/revoke': { methods: ['POST'], what: 'Token revocation (RFC 7009)' },
  '/device/authorize': { methods: ['POST'], what: 'Device authorization (RFC 8628 section 3.1)' },
  '/backchannel': { methods: ['POST'], what: 'Backchannel authentication (CIBA Core section 7)' },
  '/logout': { methods: ['GET', 'POST'], what: 'RP-Initiated Logout 1.0' },
};

/** Stands behind the engine and sees only what the engine did not answer. */
export function providerMethods(): Middleware {
  return (ctx, next) => {
    const address = providerAddresses[ctx.path.toLowerCase().replace(/\/$/, '')];
    if (!address) return next();
    ctx.status = 405;
    ctx.set('Allow', [...address.methods, 'OPTIONS'].join(', '));
    return undefined;
  };
}
