import type { Middleware } from 'koa';
import type { Metrics } from './metrics.ts';

/** Counts and times answers. The label `route` comes from a closed list: a path of a request may be anything. */
const routes = new Set([
  'authorize',
  'token',
  'userinfo',
  'ap',
  'auth',
  'user',
  'jwks',
  'par',
  'introspect',
  'revoke',
  'logout',
  'interaction',
  'account',
  'assets',
  '.well-known',
  'dev',
  'healthz',
  'readyz',
]);

export function measured({ metrics }: { metrics: Metrics }): Middleware {
  return async (ctx, next) => {
    const begun = performance.now();
    const route = routeOf(ctx.path);
    try {
      await next();
    } finally {
      metrics.requestSeconds.observe({ route }, (performance.now() - begun) / 1000);
      metrics.requests.inc({ route, method: methodOf(ctx.method), status: ctx.status });
    }
  };
}

function routeOf(path: string): string {
  const first = path.split('/')[1]?.toLowerCase() ?? '';
  return routes.has(first) ? first : 'other';
}

const methods = new Set(['GET', 'HEAD', 'POST', 'OPTIONS']);

function methodOf(method: string): string {
  return methods.has(method) ? method : 'other';
}
