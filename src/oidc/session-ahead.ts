import type { Context } from 'koa';
import type { Services } from '../services.ts';
import { layout } from './live-layout.ts';
import { memoryOf } from './request-memory.ts';

/**
 * Asks for the session of an authorization request while its limit is counted, which saves a round trip. The cookie's
 * signature is checked where the session is used; until then this is a record that somebody knows the name of.
 */
export function readSessionAhead({ live }: Pick<Services, 'live'>, ctx: Context): void {
  const [, uid] = /(?:^|; )(?:__Host-|latchkey-)session=([A-Za-z0-9_-]{43})\./.exec(ctx.get('cookie')) ?? [];
  if (uid === undefined) return;
  const reading = live.read([layout.session(uid)]);
  // Whoever uses it sees the failure; when nobody does, it is no failure.
  reading.catch(() => undefined);
  memoryOf(ctx).ahead = { uid, reading };
}
