import type { Middleware } from 'koa';
import type { Metrics } from './metrics.ts';

/** Counts and times answers. The label `route` comes from a closed list: a path of a request may be anything. */
const routes = [
  'authorize',
  'token',
  'userinfo',
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
];

export function measured({ metrics }: { metrics: Metrics }): Middleware {
  return async (ctx, next) => {
    const stop = metrics.requestSeconds.startTimer({ route: routeOf(ctx.path) });
    try {
      await next();
    } finally {
      stop();
      metrics.requests.inc({ route: routeOf(ctx.path), method: methodOf(ctx.method), status: ctx.status });
    }
  };
}

function routeOf(path: string): string {
  const first = path.split('/')[1]?.toLowerCase() ?? '';
  return routes.includes(first) ? first : 'other';
}

function methodOf(method: string): string {
  return ['GET', 'HEAD', 'POST', 'OPTIONS'].includes(method) ? method : 'other';
}
