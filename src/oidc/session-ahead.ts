import type { IncomingMessage } from 'node:http';
import type { Context } from 'koa';
import type { Services } from '../services.ts';
import { isLoneId, layout } from './live-layout.ts';
import { memoryOf, type RequestMemory } from './request-memory.ts';

const begun = new WeakMap<IncomingMessage, NonNullable<RequestMemory['ahead']>>();

/**
 * Asks for the session of an authorization request while its limit is counted, which saves a round trip. The cookie's
 * signature is checked where the session is used; until then this is a record that somebody knows the name of. A request
 * that went the direct way in vain (direct/authorize.ts) goes on with what was read there.
 */
export function readSessionAhead({ live }: Pick<Services, 'live'>, ctx: Pick<Context, 'req' | 'get'>): void {
  const known = begun.get(ctx.req);
  if (known) {
    memoryOf(ctx).ahead = known;
    return;
  }
  const [, uid] = /(?:^|; )(?:__Host-|latchkey-)session=([A-Za-z0-9_-]{43})\./.exec(ctx.get('cookie')) ?? [];
  if (uid === undefined) return;
  const reading = live.read([layout.session(uid)]);
  // Whoever uses it sees the failure; when nobody does, it is no failure.
  reading.catch(() => undefined);
  const ahead = { uid, reading };
  begun.set(ctx.req, ahead);
  memoryOf(ctx).ahead = ahead;
}

const pushedName = 'urn:ietf:params:oauth:request_uri:';

/**
 * Asks for the pushed request that is named (RFC 9126) at the same time, which saves another. Whose it is, and whether it
 * may be used, is for the engine to see when it comes to it.
 */
export function readPushedAhead({ live }: Pick<Services, 'live'>, ctx: Pick<Context, 'req' | 'query'>): void {
  const { request_uri: name } = ctx.query;
  if (typeof name !== 'string' || !name.startsWith(pushedName)) return;
  const id = name.slice(pushedName.length);
  if (!isLoneId(id)) return;
  const key = layout.alone('p', id);
  const reading = live.read([key]);
  reading.catch(() => undefined);
  memoryOf(ctx).lone = { key, reading };
}

/** What was read has changed since: whoever goes on with the request reads it anew. */
export function forgetSessionAhead(req: IncomingMessage): void {
  begun.delete(req);
}
