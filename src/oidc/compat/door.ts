import type { IncomingMessage, RequestListener } from 'node:http';
import Koa, { type Context, type Middleware } from 'koa';
import type { Services } from '../../services.ts';
import { StoreUnavailable } from '../../store/live.ts';
import { host } from '../../web/host.ts';
import { describeError } from '../../web/log.ts';
import { measured } from '../../web/measured.ts';
import { requestSource } from '../../web/request-source.ts';
import { sourceOf } from '../../web/request-state.ts';
import { fixedHeaders } from '../../web/security-headers.ts';
import { dropUnreadBody } from '../../web/unread-body.ts';
import type { EndpointLimits } from '../endpoint-limits.ts';
import { isTold, logRefusal } from '../refusals.ts';
import { refusals, refuse } from './answer.ts';
import { codePairEndpoint } from './code-pair.ts';
import type { CompatParts } from './parts.ts';
import { nestedProfileEndpoint, profileEndpoint, tokenInfoEndpoint } from './profile.ts';
import { tokenEndpoint } from './token.ts';

/**
 * The way in for programs of the Login-with-Amazon kind. They are told apart by their paths alone, which no other request has,
 * so that nobody else pays for them. Whatever happens the answer is JSON.
 */
type Endpoint = { methods: readonly string[]; answer(parts: CompatParts, ctx: Context): Promise<void> };

const endpoints = new Map<string, Endpoint>([
  ['/auth/o2/token', { methods: ['POST'], answer: tokenEndpoint }],
  ['/auth/o2/create/codepair', { methods: ['POST'], answer: codePairEndpoint }],
  ['/auth/o2/tokeninfo', { methods: ['GET', 'HEAD'], answer: tokenInfoEndpoint }],
  ['/user/profile', { methods: ['GET', 'HEAD'], answer: profileEndpoint }],
  ['/ap/user/profile', { methods: ['GET', 'HEAD'], answer: nestedProfileEndpoint }],
]);

/** Libraries write both `/auth/o2/` and `/auth/O2/`, and some end with a slash. */
function endpointOf(path: string): Endpoint | undefined {
  const bare = path.replace(/\/$/, '');
  return endpoints.get(/^\/auth\/o2\//i.test(bare) ? bare.toLowerCase() : bare);
}

export function isForCompat({ url = '' }: Pick<IncomingMessage, 'url'>): boolean {
  const beginning = url.slice(0, 6);
  if (beginning !== '/user/' && beginning !== '/ap/us' && beginning.toLowerCase() !== '/auth/') return false;
  return endpointOf(url.split('?', 1)[0] ?? '') !== undefined;
}

export function openCompatDoor(
  services: Services,
  { parts, limits }: { parts(): CompatParts; limits: EndpointLimits },
): RequestListener {
  const koa = new Koa();
  koa.silent = true;
  const headers = {
    ...fixedHeaders(services),
    'Cache-Control': 'no-store',
    'Cross-Origin-Resource-Policy': 'cross-origin',
  };
  const hostIsOurs = host(services);
  koa.use(measured(services));
  koa.use(requestSource(services));
  koa.use(async (ctx, next) => {
    ctx.set(headers);
    await inJson(services, ctx, () => hostIsOurs(ctx, next) as Promise<void>);
  });
  koa.use(acrossOrigins);
  koa.use(limits.middleware);
  koa.use((ctx) => answered(parts(), ctx));
  return koa.callback();
}

async function answered(parts: CompatParts, ctx: Context): Promise<void> {
  const endpoint = endpointOf(ctx.path);
  if (!endpoint) throw new Error(`not a path of this face: ${ctx.path}`);
  if (endpoint.methods.includes(ctx.method)) await endpoint.answer(parts, ctx);
  else {
    ctx.set('Allow', [...endpoint.methods, 'OPTIONS'].join(', '));
    refuse(ctx, refusals.method);
  }
  if (ctx.status >= 400 && ctx.status < 500 && !isTold(ctx)) tellRefusal(parts, ctx);
  if (!(await dropUnreadBody(ctx.req))) ctx.set('Connection', 'close');
}

/** What this face refuses by itself; what the engine refuses for it is told already. */
function tellRefusal({ services }: CompatParts, ctx: Context): void {
  const { error, error_description: description } = ctx.body as { error: string; error_description: string };
  logRefusal(services, ctx, { route: ctx.path, error, description });
}

/**
 * Scripts of any site may ask: who has no token gets nothing, and no cookie is looked at here (section 1.8 of what is
 * public about it).
 */
const acrossOrigins: Middleware = async (ctx, next) => {
  ctx.vary('Origin');
  ctx.set('Access-Control-Allow-Origin', '*');
  if (ctx.method !== 'OPTIONS') return next();
  ctx.set('Access-Control-Allow-Methods', 'GET, POST, OPTIONS');
  // The star is for what a page's own framework adds; it does not stand for `authorization` (Fetch section 3.3.3).
  ctx.set(
    'Access-Control-Allow-Headers',
    'authorization, content-type, x-amz-access-token, x-requested-with, *',
  );
  ctx.set('Access-Control-Max-Age', '3600');
  ctx.set('Allow', [...(endpointOf(ctx.path)?.methods ?? []), 'OPTIONS'].join(', '));
  ctx.status = 204;
};

/** Outages and our own mistakes too. */
async function inJson(
  { log }: Pick<Services, 'log'>,
  ctx: Context,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    const { name, status, code, statusCode } = error as {
      name?: string;
      status?: number;
      code?: string;
      statusCode?: number;
    };
    const away = error instanceof StoreUnavailable || statusCode === 503;
    if (!(await dropUnreadBody(ctx.req))) ctx.set('Connection', 'close');
    if (away) return refuse(ctx, refusals.unavailable);
    if (name === 'Problem' && typeof status === 'number')
      return refuse(ctx, { status, error: String(code), description: 'The request cannot be answered here' });
    const { requestId, ip } = sourceOf(ctx);
    log.error({ requestId, ip, error: describeError(error) }, 'a request failed');
    refuse(ctx, refusals.failed);
  }
}
