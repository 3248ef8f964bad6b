import { recordEvent } from '../audit/record.ts';
import { allowApprovals, changeTwoStep } from '../credentials/two-step.ts';
import { type Outcome, refused } from '../kit/outcome.ts';
import type { RequestSource } from '../web/request-source.ts';
import type { Locale } from '../web/words.ts';
import { dropTrustedDevices } from './drop-trusted-devices.ts';
import { notifyAccount } from './notify-account.ts';
import { type KindContext, kindNamed } from './second-step-kinds.ts';
import { twoStepOf } from './second-step-methods.ts';

type Who = { accountId: string; sessionUid: string; locale: Locale };

/**
 * Sign-ins may be approved on another device from now on, beside the methods there are. `alone` without one that stands by
 * itself: with an approval alone, whoever loses the other device is shut out. No session was begun with less, so none ends.
 */
export async function turnOnApprovals(
  ctx: KindContext,
  { accountId, sessionUid, locale }: Who,
  from: RequestSource,
): Promise<Outcome<object, 'alone' | 'switched_off'>> {
  if (!ctx.settings.APPROVALS) return refused('switched_off');
  const turnedOn = await changeTwoStep(ctx, accountId, async (tx) => {
    const { on, methods } = await twoStepOf({ ...ctx, db: tx }, accountId);
    if (!on || !methods.some(({ kind }) => kindNamed(kind).standsAlone)) return false;
    await allowApprovals(tx, accountId, ctx.clock.now());
    return true;
  });
  if (!turnedOn) return refused('alone');
  await recordEvent(ctx, { type: 'approvals.turned_on', accountId, sessionUid }, from);
  await notifyAccount(ctx, { accountId, pageLocale: locale, template: 'approvals_on' });
  return { ok: true };
}

/** One way in less; so browsers are asked again, as after the removal of any method. */
export async function turnOffApprovals(
  ctx: KindContext,
  { accountId, sessionUid, locale }: Who,
  from: RequestSource,
): Promise<void> {
  await changeTwoStep(ctx, accountId, (tx) => allowApprovals(tx, accountId, null));
  await dropTrustedDevices(ctx, { accountId, reason: 'method_removed' }, from);
  await recordEvent(ctx, { type: 'approvals.turned_off', accountId, sessionUid }, from);
  await notifyAccount(ctx, { accountId, pageLocale: locale, template: 'approvals_off' });
}
