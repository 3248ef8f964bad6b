import { type Level, levelOf } from '../kit/levels.ts';
import { newId } from '../kit/secrets.ts';
import type { RequestSource } from '../web/request-source.ts';
import { keptProof } from './fresh-proof.ts';
import { passGate } from './pass-gate.ts';
import { raising } from './raising.ts';
import { type KindContext, kindNamed } from './second-step-kinds.ts';
import { methodName, twoStepOf } from './second-step-methods.ts';
import { type Finished, isAnotherFactor, type SecondStepProgress } from './sign-in.ts';

/** Just looked at: it is not over, and its account may come in. */
type SteppingUp = { uid: string; accountId: string; amr: string[]; signedInAt: number };

/**
 * Somebody is signed in, and an app asks for more than they proved then (RFC 9470): only what is missing is asked. It is the
 * second step of a sign-in (sign-in-second-step.ts), with the session in the place of the first: what the session
 * proved stays true, and so does when. Undefined when the account has nothing that comes up to the level.
 */
export async function beginStepUp(
  ctx: KindContext,
  { session: { uid, accountId, amr, signedInAt }, level }: { session: SteppingUp; level: Level },
): Promise<SecondStepProgress | undefined> {
  const { methods } = await twoStepOf(ctx, accountId);
  const usable = methods.filter((method) => isAnotherFactor(method, { amr, ownSession: uid }));
  const [first] = raising(usable, { amr, level });
  if (!first) return undefined;
  // What ends the session ends this too; the gate then asks for what changed from here on.
  const provedAt = ctx.clock.now();
  const session = { accountId, amr, signedInAt, ownSession: uid, provedAt, remember: true };
  const asked = { at: 'second_step', ...session, reach: level, challenge: newId() } as const;
  // A page that is only looked at sends nothing: where something is to be sent, it is chosen first.
  const method = kindNamed(first.kind).begin ? undefined : methodName(first);
  return { ...asked, kept: {}, sentAgain: false, ...(method && { method }) };
}

/**
 * Who gave a fresh proof on the account pages a moment ago (fresh-proof.ts), by another factor than they came in with, is not
 * asked for it twice. Not by text message, which another's reset may have to rule out. The session itself was not raised then:
 * here it gets a new secret, so that a cookie that was copied before does not rise with it.
 */
export async function raisedByFreshProof(
  ctx: KindContext,
  { session, level, from }: { session: SteppingUp; level: Level; from: RequestSource },
): Promise<Finished | undefined> {
  const { uid: sessionUid, accountId, amr, signedInAt } = session;
  const kept = await keptProof(ctx, { accountId, sessionUid });
  if (!kept || !isBeside(kept.amr, amr)) return undefined;
  const all = [...new Set([...amr, ...kept.amr, 'mfa'])];
  if (levelOf(all) < level) return undefined;
  const provedAt = ctx.clock.now();
  const passed = { accountId, provedAt, amr: all, remember: true, from, signedInAt };
  const next = await passGate(ctx, passed);
  return next.at === 'finished' ? next : undefined;
}

function isBeside(proof: readonly string[], amr: readonly string[]): boolean {
  const isKey = (one: string) => one === 'hwk' || one === 'swk';
  if (proof.some(isKey)) return !amr.some(isKey);
  return proof.includes('otp') && amr.some((one) => one === 'pwd' || isKey(one));
}
