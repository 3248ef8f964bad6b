import type { Context } from 'koa';
import { seconds } from '../kit/durations.ts';
import type { Outcome } from '../kit/outcome.ts';
import { newId } from '../kit/secrets.ts';
import type { App } from '../services.ts';
import { changeInteraction, type Expired, type Stored } from './interaction-change.ts';

/**
 * Of the answers to one page (a double click, two tabs, yes in one and no in the other) one is the decision, and only that
 * one is recorded, told and carried out: whoever takes it first. Where it came to nothing, since a store went away in
 * between, the person is asked again and may take it anew a moment later.
 */
export async function takeDecision(
  app: App,
  ctx: Context,
): Promise<Outcome<{ decision: string }, 'expired'>> {
  const decision = newId();
  const taken = await changeInteraction(app, ctx, (before) =>
    isDecided(app, before) ? undefined : { decision: { id: decision, at: app.clock.now() } },
  );
  return taken.ok ? { ok: true, decision } : taken;
}

/** How long one who took the decision has to carry it out: longer than any request may take. Milliseconds. */
export const decisionHolds = ({ live }: Pick<App, 'live'>) => Math.max(10 * seconds, 10 * live.timeoutMs);

/** It could not be carried out: whoever decides again need not wait until the time for it is over. */
export async function leaveDecision(
  app: App,
  ctx: Context,
  { decision }: { decision: string },
): Promise<Expired> {
  return changeInteraction(app, ctx, (before) =>
    before.decision?.id === decision && !isFinal(before.result) ? { decision: undefined } : undefined,
  );
}

export function isDecided(
  { clock, live }: Pick<App, 'clock' | 'live'>,
  { result, decision }: Stored,
  own?: string,
): boolean {
  if (isFinal(result) || decision === undefined) return isFinal(result);
  return decision.id !== own && decision.at > clock.now() - decisionHolds({ live });
}

const justNow = 10 * seconds;

/**
 * Somebody signed in a moment ago and pressed twice: the browser follows the later answer, which has nothing left to do. Later
 * on the page is shown again, for who came back to it means something else by it.
 */
export function isSignedInJustNow({ clock }: Pick<App, 'clock'>, result: object | undefined): boolean {
  const { login, progress } = (result ?? {}) as { login?: { ts?: number }; progress?: string };
  // Beside progress it is the sign-in of before: somebody began anew.
  const at = progress === undefined ? login?.ts : undefined;
  return at !== undefined && at * 1000 > clock.now() - justNow;
}

/** A sign-in that is done is no decision: whoever proves more, or who they are anew, may. */
export function isFinal(result: object | undefined): boolean {
  return result !== undefined && ('consent' in result || 'error' in result);
}
