import { recordEvent } from '../audit/record.ts';
import { changeTwoStep, findTwoStep, turnOn } from '../credentials/two-step.ts';
import { type Outcome, refused } from '../kit/outcome.ts';
import type { RequestSource } from '../web/request-source.ts';
import type { Locale } from '../web/words.ts';
import { changeInDoubt } from './change-in-doubt.ts';
import { cutOffOthers, recordEnded, signOutOthers } from './end-other-sessions.ts';
import { notifyAccount } from './notify-account.ts';
import type { KindContext } from './second-step-kinds.ts';
import { secondStepMethods } from './second-step-methods.ts';

/**
 * From now on a sign-in with the password asks for a second step too, and the sessions of others are over. Called by each verb that
 * adds a method which its owner meant as one; a passkey that was added to sign in with does not turn it on. Answers whether it was off.
 */
export async function turnOnTwoStep(
  ctx: Pick<KindContext, 'db' | 'clock'>,
  { accountId, sessionUid }: { accountId: string; sessionUid: string },
): Promise<boolean> {
  return await changeTwoStep(ctx, accountId, async (tx) => {
    await signOutOthers(ctx, tx, { accountId, except: sessionUid });
    return await turnOn(tx, accountId, ctx.clock.now());
  });
}

/**
 * By choice, for who has passkeys and nothing else: the password alone lets nobody in any more. Ends the other sessions, as
 * adding a method does, and tells once of a form that was posted twice. `nothing` without a passkey.
 */
export async function turnOnByPasskey(
  ctx: KindContext,
  { accountId, sessionUid, locale }: { accountId: string; sessionUid: string; locale: Locale },
  from: RequestSource,
): Promise<Outcome<object, 'nothing'>> {
  const methods = await secondStepMethods(ctx, accountId);
  if (!methods.some(({ kind }) => kind === 'passkey')) return refused('nothing');
  const { turnedOnAt } = await findTwoStep(ctx, accountId);
  const follows = (wasOff: boolean) =>
    cutOffOthers(ctx, { accountId, except: sessionUid }, async (ended) => {
      if (wasOff) await recordEvent(ctx, { type: 'two_step.turned_on', accountId, sessionUid }, from);
      await recordEnded(ctx, { accountId, ended }, from);
      if (wasOff) await notifyAccount(ctx, { accountId, pageLocale: locale, template: 'two_step_on' });
    });
  const wasOff = await changeInDoubt(
    ctx,
    () => turnOnTwoStep(ctx, { accountId, sessionUid }),
    () => follows(turnedOnAt === null),
  );
  await follows(wasOff);
  return { ok: true };
}
