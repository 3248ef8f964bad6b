import { recordEvent } from '../audit/record.ts';
import { changeTwoStep, turnOff } from '../credentials/two-step.ts';
import type { RequestSource } from '../web/request-source.ts';
import type { Locale } from '../web/words.ts';
import { dropTrustedDevices } from './drop-trusted-devices.ts';
import { cutOffOthers, recordEnded } from './end-other-sessions.ts';
import { notifyAccount } from './notify-account.ts';
import type { RemovalContext } from './remove-second-step.ts';
import { secondStepKinds } from './second-step-kinds.ts';
import { twoStepOf } from './second-step-methods.ts';

/**
 * The person turns two-step verification off, after a fresh proof by the strongest method they have: every method goes that
 * would turn it on by being there, and the backup codes. Passkeys stay: they sign in by themselves. Told by the request that found
 * it on, also where the live state goes away behind it: whoever comes again finds it off.
 */
export async function turnOffTwoStep(
  ctx: RemovalContext,
  { accountId, sessionUid, locale }: { accountId: string; sessionUid: string; locale?: Locale },
  from?: RequestSource,
): Promise<{ removed: number }> {
  const { removed, wasOn } = await changeTwoStep(ctx, accountId, async (tx) => {
    const { on, methods } = await twoStepOf({ ...ctx, db: tx }, accountId);
    const going = secondStepKinds().filter(({ turnsOn, standsAlone }) => turnsOn || !standsAlone);
    // Whether listed or not: what is switched off or used up at the moment would be back one day.
    for (const kind of going) await kind.removeAll?.(tx, accountId);
    await turnOff(tx, accountId);
    const removed = methods.filter(({ kind }) => going.some((one) => one.kind === kind)).length;
    return { removed, wasOn: on || removed > 0 };
  });
  await dropTrustedDevices(ctx, { accountId, reason: 'method_removed' }, from);
  await cutOffOthers(ctx, { accountId, except: sessionUid }, async (ended) => {
    const detail = { methods: removed };
    if (wasOn) await recordEvent(ctx, { type: 'two_step.turned_off', accountId, sessionUid, detail }, from);
    await recordEnded(ctx, { accountId, ended }, from);
    if (wasOn) await notifyAccount(ctx, { accountId, pageLocale: locale, template: 'two_step_off' });
  });
  return { removed };
}
