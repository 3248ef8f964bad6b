import type { Middleware } from 'koa';
import { takeFromLimits } from '../limits/limits.ts';
import type { Services } from '../services.ts';
import { Problem } from '../web/problem.ts';

/**
 * The engine limits nothing. Authorization requests are counted by address; at the endpoints where apps prove who they
 * are, only what fails is counted, so that a busy app is never slowed down by its own success.
 */
const appEndpoints = new Set(['/token', '/par', '/introspect', '/revoke']);

export function endpointLimits(services: Pick<Services, 'live' | 'metrics'>): Middleware {
  return async (ctx, next) => {
    // The engine's router knows no letter case and forgives a slash at the end; so must whoever counts.
    const path = ctx.path.toLowerCase().replace(/\/$/, '');
    if (path === '/authorize') await countRequest(services, ctx.state.source.ip);
    if (!appEndpoints.has(path) || ctx.method !== 'POST') return next();

    const take = { limit: 'token_failures_by_address', key: ctx.state.source.ip } as const;
    const now = await takeFromLimits(services, [take], 0);
    if (!now.ok) {
      ctx.status = 429;
      ctx.set('Retry-After', String(now.retryAfterSeconds));
      ctx.body = {
        error: 'temporarily_unavailable',
        error_description: 'too many failed requests from this address',
      };
      return;
    }
    await next();
    if (ctx.status === 400 || ctx.status === 401) await takeFromLimits(services, [take]);
  };
}

async function countRequest(services: Pick<Services, 'live' | 'metrics'>, ip: string): Promise<void> {
  const taken = await takeFromLimits(services, [{ limit: 'authorize_by_address', key: ip }]);
  if (!taken.ok)
    throw new Problem({ status: 429, code: 'too_many_requests', retryAfter: taken.retryAfterSeconds });
}
