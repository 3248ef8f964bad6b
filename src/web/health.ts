import type { Middleware } from 'koa';
import { sql } from 'kysely';
import type { LiveStore } from '../store/live.ts';
import type { Database } from '../store/tables.ts';

/**
 * `/healthz`: the process lives. `/readyz`: it can work, its stores answer, and it is not on its way out; a load
 * balancer asks this one. Asked by address, so the host of the request does not matter.
 */
export function health({
  db,
  live,
  draining,
}: {
  db: Database;
  live: LiveStore;
  draining(): boolean;
}): Middleware {
  return async (ctx, next) => {
    if (ctx.path === '/healthz') {
      ctx.body = { status: 'ok' };
      return;
    }
    if (ctx.path !== '/readyz') return next();
    const [records, liveState] = await Promise.all([
      answers(() => sql`select 1`.execute(db)),
      answers(() => live.ping()),
    ]);
    const ready = records && liveState && !draining();
    ctx.status = ready ? 200 : 503;
    if (!ready) ctx.set('Retry-After', '1');
    ctx.body = { status: ready ? 'ready' : 'not ready', records, live: liveState, draining: draining() };
  };
}

async function answers(ask: () => Promise<unknown>): Promise<boolean> {
  try {
    await ask();
    return true;
  } catch {
    return false;
  }
}
