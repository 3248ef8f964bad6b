import type { IncomingMessage } from 'node:http';
import type { Context, Middleware } from 'koa';
import { minutes } from '../kit/durations.ts';
import { addressBucket, type LimitContext, takeFromLimits } from '../limits/limits.ts';
import type { Services } from '../services.ts';
import { StoreUnavailable } from '../store/live.ts';
import { Problem } from '../web/problem.ts';
import { readPushedAhead, readSessionAhead } from './session-ahead.ts';
import { retryAfterSeconds } from './unavailable.ts';

/**
 * The engine limits nothing. Authorization requests are counted by address; at the endpoints where apps prove who they
 * are, only what fails is counted, so that a busy app is never slowed down by its own success, and an app that makes no
 * mistakes costs the store nothing: this process asks about an address only after it has seen it fail. Guesses that
 * race past the count, or land on another process first, are a handful against secrets of 256 bits.
 */
const appEndpoints = new Set([
  '/token',
  '/par',
  '/introspect',
  '/revoke',
  '/device/authorize',
  '/backchannel',
  '/auth/o2/token',
  '/auth/o2/create/codepair',
]);

export type EndpointLimits = {
  middleware: Middleware;
  /** Whether requests of this address have to be counted before they are tried. */
  watches(ip: string): boolean;
  /** For who answered without the middleware. */
  noteFailure(ip: string): Promise<void>;
};

export function openEndpointLimits(services: LimitContext & Pick<Services, 'settings'>): EndpointLimits {
  const failing = openFailing(services);
  async function noteFailure(key: string): Promise<void> {
    // The conformance suite fails on purpose, hundreds of times from one address.
    if (services.settings.conformance) return;
    failing.note(key);
    await takeFromLimits(services, [{ limit: 'token_failures_by_address', key }]);
  }
  const middleware: Middleware = async (ctx, next) => {
    // The engine's router knows no letter case and forgives a slash at the end; so must whoever counts.
    const path = ctx.path.toLowerCase().replace(/\/$/, '');
    if (!appEndpoints.has(path) && path !== '/authorize') return next();
    const key = addressBucket(ctx.state.source.ip);
    if (path === '/authorize') {
      readSessionAhead(services, ctx);
      readPushedAhead(services, ctx);
      await countOnce(services, ctx.req, key);
    }
    if (!appEndpoints.has(path) || ctx.method !== 'POST') return next();

    const take = { limit: 'token_failures_by_address', key } as const;
    try {
      const room = failing.has(key) ? await takeFromLimits(services, [take], 0) : { ok: true as const };
      if (!room.ok)
        return refuse(ctx, 429, room.retryAfterSeconds, 'too many failed requests came from this address');
      const asks =
        path === '/device/authorize' || path === '/auth/o2/create/codepair'
          ? await takeFromLimits(services, [{ limit: 'device_code_by_address', key }])
          : room;
      if (!asks.ok)
        return refuse(ctx, 429, asks.retryAfterSeconds, 'too many codes were asked for from this address');
      await next();
      if ((ctx.status === 400 || ctx.status === 401) && !guessesNothing(ctx.body)) await noteFailure(key);
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      refuse(ctx, 503, retryAfterSeconds, 'the service is not available right now, try again');
    }
  };
  return {
    middleware,
    watches: (ip) => failing.has(addressBucket(ip)),
    // The answer is given already; a count that cannot be kept now is one guess more.
    noteFailure: (ip) => noteFailure(addressBucket(ip)).catch(() => undefined),
  };
}

/**
 * Whoever asks whether a person has answered: these have a pace of their own (cross-device/pace.ts). And an app that is
 * told the nonce for its proofs, which is how it learns it (RFC 9449 section 8).
 */
function guessesNothing(body: unknown): boolean {
  const { error } = (body ?? {}) as { error?: unknown };
  return error === 'authorization_pending' || error === 'slow_down' || error === 'use_dpop_nonce';
}

/** Programs ask here: they get JSON whatever they accept, as from the engine. */
function refuse(ctx: Context, status: 429 | 503, retryAfter: number, description: string): void {
  ctx.status = status;
  ctx.set('Retry-After', String(retryAfter));
  ctx.body = { error: 'temporarily_unavailable', error_description: description };
}

const counted = new WeakMap<IncomingMessage, Promise<void>>();

/** A request that went the direct way in vain goes on, with the answer that it had there. */
export function countOnce(services: LimitContext, req: IncomingMessage, key: string): Promise<void> {
  const counting = counted.get(req) ?? countRequest(services, key);
  counted.set(req, counting);
  return counting;
}

/** Also of those that another face refuses, which never come to the engine's endpoint (compat/authorize.ts). */
export async function countRequest(services: LimitContext, key: string): Promise<void> {
  const taken = await takeFromLimits(services, [{ limit: 'authorize_by_address', key }]);
  if (!taken.ok)
    throw new Problem({ status: 429, code: 'too_many_requests', retryAfter: taken.retryAfterSeconds });
}

/** Addresses that failed here lately. Bounded: the one that failed longest ago is forgotten first. */
function openFailing({ clock }: Pick<Services, 'clock'>) {
  const since = new Map<string, number>();
  const most = 10_000;
  return {
    has: (key: string) => (since.get(key) ?? 0) > clock.now() - 2 * minutes,
    note(key: string) {
      since.delete(key);
      since.set(key, clock.now());
      const [oldest] = since.keys();
      if (since.size > most && oldest !== undefined) since.delete(oldest);
    },
  };
}
