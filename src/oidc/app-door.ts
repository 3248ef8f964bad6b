import type { IncomingMessage, RequestListener } from 'node:http';
import Koa, { type Middleware } from 'koa';
import type { Services } from '../services.ts';
import { host } from '../web/host.ts';
import { measured } from '../web/measured.ts';
import { type Pages, withPages } from '../web/page.ts';
import { problems } from '../web/problem.ts';
import { requestSource } from '../web/request-source.ts';
import { setRequestState } from '../web/request-state.ts';
import { fixedHeaders } from '../web/security-headers.ts';
import type { EndpointLimits } from './endpoint-limits.ts';
import { pinToIssuer } from './provider.ts';

/**
 * The way in for programs. An app calls these endpoints thousands of times for each page that a person sees, and needs
 * nothing of what pages need: languages, nonces, cookies, routers. What protects is the same as on the long way, and
 * whatever is not spelled like this (another method, case or a query) takes the long way too.
 */
const endpoints: Record<string, string[]> = {
  '/token': ['POST'],
  '/introspect': ['POST'],
  '/revoke': ['POST'],
  '/par': ['POST'],
  '/device/authorize': ['POST'],
  '/backchannel': ['POST'],
  '/userinfo': ['GET', 'POST'],
};

export function isForApps({ url = '', method = '' }: Pick<IncomingMessage, 'url' | 'method'>): boolean {
  return Object.hasOwn(endpoints, url) && endpoints[url]?.includes(method) === true;
}

export function openAppDoor(
  services: Services,
  { engine, pages, limits }: { engine: Middleware; pages: Pages; limits: EndpointLimits },
): RequestListener {
  const koa = new Koa();
  koa.silent = true;
  pinToIssuer(koa, services);
  koa.use(measured(services));
  koa.use(requestSource(services));
  koa.use(withFixedHeaders(services));
  koa.use(problems(services));
  koa.use(withPagesOnTrouble(pages));
  koa.use(host(services));
  koa.use(limits.middleware);
  koa.use(engine);
  return koa.callback();
}

function withFixedHeaders({ settings }: Pick<Services, 'settings'>): Middleware {
  const headers = Object.entries({ ...fixedHeaders({ settings }), 'Cache-Control': 'no-store' });
  return ({ res }, next) => {
    for (const [name, value] of headers) res.setHeader(name, value);
    return next();
  };
}

/** Somebody may look at an endpoint in a browser, and when that fails they see our error page. */
function withPagesOnTrouble(pages: Pages): Middleware {
  const prepare = withPages(pages);
  return async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      setRequestState(ctx, { nonce: 'none' });
      await prepare(ctx, async () => undefined);
      throw error;
    }
  };
}
