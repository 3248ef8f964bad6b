import { recordEvent } from '../audit/record.ts';
import { changeTwoStep, turnOff } from '../credentials/two-step.ts';
import type { RequestSource } from '../web/request-source.ts';
import type { Locale } from '../web/words.ts';
import { changeInDoubt } from './change-in-doubt.ts';
import { cutOffOthers, recordEnded, signOutOthers } from './end-other-sessions.ts';
import { notifyAccount } from './notify-account.ts';
import type { RemovalContext } from './remove-second-step.ts';
import { type SecondStepMethod, secondStepKinds } from './second-step-kinds.ts';
import { twoStepOf } from './second-step-methods.ts';

/**
 * The person turns two-step verification off, after a fresh proof by the strongest method they have: every method goes that
 * would turn it on by being there, and the backup codes. Passkeys stay: they sign in by themselves. Told by the request that found
 * it on, also where a store goes away behind it or while it is made: whoever comes again finds it off.
 */
export async function turnOffTwoStep(
  ctx: RemovalContext,
  { accountId, sessionUid, locale }: { accountId: string; sessionUid: string; locale?: Locale },
  from?: RequestSource,
): Promise<{ removed: number }> {
  const before = await found(ctx, accountId);
  const drops = { reason: 'method_removed', from } as const;
  const follows = ({ going: { length }, wasOn }: Found) =>
    cutOffOthers(ctx, { accountId, except: sessionUid, drops }, async (ended) => {
      const event = { type: 'two_step.turned_off', detail: { methods: length } } as const;
      if (wasOn) await recordEvent(ctx, { ...event, accountId, sessionUid }, from);
      await recordEnded(ctx, { accountId, ended }, from);
      if (wasOn) await notifyAccount(ctx, { accountId, pageLocale: locale, template: 'two_step_off' });
    });
  const turnedOff = await changeInDoubt(
    ctx,
    () => takeAllOff(ctx, { accountId, sessionUid }),
    () => follows(before),
  );
  await follows(turnedOff);
  return { removed: turnedOff.going.length };
}

/** The methods that go, and whether there is anything to turn off. */
type Found = { going: readonly SecondStepMethod[]; wasOn: boolean };

const goingKinds = () => secondStepKinds().filter(({ turnsOn, standsAlone }) => turnsOn || !standsAlone);

async function found(ctx: RemovalContext, accountId: string): Promise<Found> {
  const { on, methods } = await twoStepOf(ctx, accountId);
  const going = methods.filter(({ kind }) => goingKinds().some((one) => one.kind === kind));
  return { going, wasOn: on || going.length > 0 };
}

async function takeAllOff(
  ctx: RemovalContext,
  { accountId, sessionUid }: { accountId: string; sessionUid: string },
): Promise<Found> {
  return await changeTwoStep(ctx, accountId, async (tx) => {
    const here = await found({ ...ctx, db: tx }, accountId);
    // Whether listed or not: what is switched off or used up at the moment would be back one day.
    for (const kind of goingKinds()) await kind.removeAll?.(tx, accountId);
    await turnOff(tx, accountId);
    await signOutOthers(ctx, tx, { accountId, except: sessionUid });
    return here;
  });
}
