import type { Level } from '../kit/levels.ts';
import { newId } from '../kit/secrets.ts';
import { raising } from './raising.ts';
import { type KindContext, kindNamed } from './second-step-kinds.ts';
import { methodName, twoStepOf } from './second-step-methods.ts';
import { isAnotherFactor, type SecondStepProgress } from './sign-in.ts';

/**
 * Somebody is signed in, and an app asks for more than they proved then (RFC 9470): only what is missing is asked. It is the
 * second step of a sign-in (sign-in-second-step.ts), with the session in the place of the first: what the session
 * proved stays true, and so does when. Undefined when the account has nothing that comes up to the level.
 */
export async function beginStepUp(
  ctx: KindContext,
  {
    session: { uid, accountId, amr, signedInAt },
    level,
  }: {
    /** Just looked at: it is not over, and its account may come in. */
    session: { uid: string; accountId: string; amr: string[]; signedInAt: number };
    level: Level;
  },
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
