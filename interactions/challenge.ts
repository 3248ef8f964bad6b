import type { RouterContext } from '@koa/router';
import { seconds } from '../src/kit/durations.ts';
import { keptChallenge, makeChallenge, parts, takeChallenge, waitMs } from '../src/limits/challenge.ts';
import { type Door, isUnderPressure } from '../src/limits/pressure.ts';
import type { App } from '../src/services.ts';
import { optionalTextField, type Problems } from '../src/web/form.ts';
import { limitedSentence } from './problem-sentences.ts';

/**
 * The part of a form that asks for a proof of work when too much is tried (src/limits/challenge.ts). A script does the
 * work while the person types; without scripts the form is good after a wait. A page that may ask has `challengeFields` in
 * its form, `challengeOf` in its view, and does nothing before `meetsChallenge` said yes.
 */
export const challengeFields = {
  challenge: optionalTextField({ most: 400 }),
  challenge_answer: optionalTextField({ most: 200 }),
};

/** What the part's template shows; undefined while all is calm. */
export type ChallengeView = { token: string; bits: number; parts: number; seconds: number };
type Met = { ok: true } | { ok: false; problems: Problems; status: 400 | 429; kept?: string };

/** A new challenge for the page, or the one that came with a form that was not looked at yet. */
export async function challengeOf(
  app: App,
  ctx: RouterContext,
  door: Door,
  kept?: string,
): Promise<ChallengeView | undefined> {
  const { ip } = ctx.state.source;
  if (!(await isUnderPressure(app, { door, ip }))) return undefined;
  const before = kept ? keptChallenge(app, { door, ip, token: kept }) : undefined;
  if (!before) app.metrics.challenges.inc({ outcome: 'asked' });
  const { token, bitsOfPart } = before ?? makeChallenge(app, { door, ip });
  return { token, bits: bitsOfPart, parts, seconds: waitMs / 1000 };
}

/** Whether it has to be met, and when that was asked. */
type Due = { asked: number; due: Promise<boolean> };
const dueFor = 1 * seconds;

/**
 * For who has something else to ask meanwhile; it depends on the sender alone. It does not hold for long: whoever keeps a
 * hundred forms back on their way would have them all judged by how calm it was before the first of them was looked at.
 */
export function challengeIsDue(app: App, ctx: RouterContext, door: Door): Due {
  const due = isUnderPressure(app, { door, ip: ctx.state.source.ip });
  // A form that is not looked at does not wait for it.
  due.catch(() => undefined);
  return { asked: app.clock.now(), due };
}

/** Call it last, before the verb: a challenge that is met is spent. */
export async function meetsChallenge(
  app: App,
  ctx: RouterContext,
  door: Door,
  { challenge: token, challenge_answer: answer }: { challenge: string; challenge_answer: string },
  before?: Due,
): Promise<Met> {
  const { ip } = ctx.state.source;
  const holds = before !== undefined && Math.abs(app.clock.now() - before.asked) < dueFor;
  const { due } = holds ? before : challengeIsDue(app, ctx, door);
  if (!(await due)) return { ok: true };
  // It became necessary only after the page was made.
  if (token === '') return { ok: false, problems: { form: 'challenge.asked' }, status: 400 };
  const met = await takeChallenge(app, { door, ip, token, answer });
  if (met.ok) return met;
  if (met.reason === 'limited')
    return { ok: false, problems: { form: limitedSentence(ctx, met, 'sign-in.limited') }, status: 429 };
  if (met.reason !== 'too_soon') return { ok: false, problems: { form: 'challenge.again' }, status: 400 };
  const sentence = { key: 'challenge.too_soon', values: { seconds: met.seconds } };
  return { ok: false, problems: { form: sentence }, status: 400, kept: token };
}
