import type { Context, Middleware } from 'koa';
import type { Settings } from '../settings.ts';
import { Problem } from './problem.ts';

/**
 * Refuses a request for a host that is not the issuer's (421, RFC 9110 section 15.5.20). Nothing of ours is built from
 * the Host header; this keeps what others build from it (caches, the engine, a rebinding name server) from mattering.
 * The health addresses are asked by load balancers, by address. At MTLS_ORIGIN there are the endpoints that apps come to
 * with a certificate and nothing else (RFC 8705 section 5): no page is ever shown under that name. Nor is one under
 * COMPAT_HOSTS, where libraries of the Login-with-Amazon kind find what they know (src/oidc/compat).
 */
export function host({
  settings,
}: {
  settings: Pick<Settings, 'issuer' | 'mtlsHost' | 'COMPAT_HOSTS'>;
}): Middleware {
  const { host: own, https } = settings.issuer;
  // A browser leaves the scheme's own port out; other clients may write it.
  const names = new Set([
    own,
    ...(own.includes(':') && !own.endsWith(']') ? [] : [`${own}:${https ? 443 : 80}`]),
  ]);
  const { mtlsHost } = settings;
  const others = new Set(settings.COMPAT_HOSTS);
  return (ctx, next) => {
    if (mtlsHost !== undefined && atMtls.has(ctx.path) && isFor(ctx, new Set([mtlsHost]))) return next();
    if (compatible.test(ctx.path) && isFor(ctx, others, withoutPort)) return next();
    if (ctx.path !== '/healthz' && ctx.path !== '/readyz' && !isFor(ctx, names))
      throw new Problem({ status: 421, code: 'wrong_host', reason: 'the Host is not the issuer’s' });
    return next();
  };
}

/** src/oidc/senders/mtls-endpoints.ts names the same to apps. */
const atMtls = new Set([
  '/token',
  '/introspect',
  '/revoke',
  '/par',
  '/userinfo',
  '/device/authorize',
  '/backchannel',
]);

const compatible = /^\/(ap\/oa\/?|(ap\/)?user\/profile\/?|[aA][uU][tT][hH]\/[oO]2\/[A-Za-z/]+)$/;

/** Which port such a name is reached by is the proxy's business: nothing is built from it. */
export const withoutPort = (host: string) => host.replace(/:\d{1,5}$/, '');

function isFor(
  { req }: Pick<Context, 'req'>,
  names: ReadonlySet<string>,
  spelled = (host: string) => host,
): boolean {
  // Node keeps the first of two Host headers; a proxy in front may have kept the second (RFC 9112 section 3.2).
  let hosts = 0;
  for (let at = 0; at < req.rawHeaders.length; at += 2) {
    const name = req.rawHeaders[at] ?? '';
    if (name.length === 4 && name.toLowerCase() === 'host') hosts += 1;
  }
  const inOriginForm = req.url?.startsWith('/') ?? false;
  return hosts === 1 && inOriginForm && names.has(spelled((req.headers.host ?? '').toLowerCase()));
}
