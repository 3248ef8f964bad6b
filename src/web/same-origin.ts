import type { Context, Middleware } from 'koa';
import type { Settings } from '../settings.ts';
import { Problem } from './problem.ts';

/**
 * Stands before our own pages, not before the protocol's endpoints (which other sites may post to). A request that can
 * change something must come from a page of ours, or another site could have a person's browser press our buttons.
 *
 * Browsers say where a request comes from in Sec-Fetch-Site, which no script can set (W3C Fetch Metadata): same-origin
 * is our page, none is the person's own doing. `same-site` is refused: a forgotten host beside ours is not us. Older
 * browsers send Origin with every such request, and still older ones a Referer. What sends none of the three is no
 * browser but a program (curl, a test, a monitor), which nobody else can make send its cookies; and ours are
 * SameSite=Lax, so that no browser would bring them from another site.
 */
export function sameOrigin({ settings }: { settings: Pick<Settings, 'issuer'> }): Middleware {
  return (ctx, next) => {
    if (!['GET', 'HEAD', 'OPTIONS'].includes(ctx.method) && !comesFromUs(ctx, settings.issuer.origin))
      throw new Problem({ status: 403, code: 'cross_site', reason: 'an unsafe request from another site' });
    return next();
  };
}

function comesFromUs({ req: { headers } }: Pick<Context, 'req'>, origin: string): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin' || site === 'none';
  if (headers.origin !== undefined) return headers.origin === origin;
  if (headers.referer !== undefined) return URL.parse(headers.referer)?.origin === origin;
  return true;
}
