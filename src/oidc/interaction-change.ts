import type { Context } from 'koa';
import { type AdapterPayload, errors } from 'oidc-provider';
import type { Outcome } from '../kit/outcome.ts';
import { refused } from '../kit/outcome.ts';
import type { App } from '../services.ts';
import { commitTwice } from '../store/once-more.ts';
import { fromStored, layout, toStored } from './live-layout.ts';

/** An interaction as it is kept, and the one way to change it. */
export type Expired = Outcome<object, 'expired'>;
export type Stored = AdapterPayload & {
  uid: string;
  session?: { uid: string; accountId: string };
  result?: object;
  decision?: { id: string; at: number };
};
/** Undefined when there is nothing left to change. */
export type Change = (
  before: Stored,
) => { result?: object; session?: undefined; decision?: object | undefined } | undefined;

export async function goOn(app: App, ctx: Context, change: Change): Promise<Expired> {
  const changed = await changeInteraction(app, ctx, change);
  if (!changed.ok) return changed;
  const location = wayOn(app, changed.payload.returnTo);
  ctx.status = 303;
  ctx.set('Location', location);
  ctx.set('Cache-Control', 'no-store');
  ctx.body = '';
  return changed;
}

/** Where the engine goes on. */
export function wayOn({ settings }: Pick<App, 'settings'>, returnTo: string | undefined): string {
  if (!returnTo?.startsWith(`${settings.issuer.origin}/`))
    throw new Error('an interaction that leads elsewhere');
  return returnTo;
}

/** Compare and set: of two submissions at once, one is written, and one that is over stays over. */
export async function changeInteraction(
  app: App,
  ctx: Context,
  change: Change,
): Promise<Outcome<{ payload: Stored }, 'expired'>> {
  const uid = seen.get(ctx.req) ?? (await detailsOf(app, ctx))?.uid;
  if (uid === undefined) return refused('expired');
  const key = layout.interaction(uid);
  const ahead = readAhead.get(ctx.req);
  readAhead.delete(ctx.req);
  const [entry] = await (ahead ?? app.live.read([key]));
  if (!entry || entry.consumedBy !== undefined) return refused('expired');
  const before = { ...fromStored(entry.value, uid), uid } as Stored;
  const changed = change(before);
  if (!changed) return refused('expired');
  const { uid: _uid, ...payload } = { ...before, ...changed } as Stored;
  const ttlMs = Math.max(1000, (before.exp ?? 0) * 1000 - app.clock.now());
  const written = await commitTwice(app, [
    { do: 'require', key, unspent: true },
    { do: 'replace', key, expect: entry.value, value: toStored(payload), ttlMs },
  ]);
  return written.ok ? { ok: true, payload: { ...payload, uid } } : refused('expired');
}

/**
 * Reads, beside whatever the caller asks for meanwhile, what the next change in this request begins from. What is written
 * between is seen by the change, which then refuses.
 */
export function beginChange(app: App, ctx: Context, uid: string): void {
  if (seen.get(ctx.req) !== uid) return;
  const reading = app.live.read([layout.interaction(uid)]);
  reading.catch(() => undefined);
  readAhead.set(ctx.req, reading);
}

const readAhead = new WeakMap<Context['req'], ReturnType<App['live']['read']>>();

/** Whose cookie was looked at already in this request. Not where a session belongs to it: that may be over meanwhile. */
const seen = new WeakMap<Context['req'], string>();

export async function detailsOf(app: App, ctx: Context) {
  try {
    const details = await app.provider.interactionDetails(ctx.req, ctx.res);
    if (!details.session?.uid) seen.set(ctx.req, details.uid);
    return details;
  } catch (error) {
    if (error instanceof errors.SessionNotFound) return undefined;
    throw error;
  }
}
