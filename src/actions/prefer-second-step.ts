import { recordEvent } from '../audit/record.ts';
import { changeTwoStep, prefer } from '../credentials/two-step.ts';
import { type Outcome, refused } from '../kit/outcome.ts';
import type { RequestSource } from '../web/request-source.ts';
import type { Locale } from '../web/words.ts';
import { notifyAccount } from './notify-account.ts';
import type { KindContext } from './second-step-kinds.ts';
import { methodNamed, secondStepMethods } from './second-step-methods.ts';

/** Which of the account's methods a sign-in asks first, `<kind>.<id>`. The others stay a click away. */
export async function preferSecondStep(
  ctx: KindContext,
  {
    accountId,
    sessionUid,
    method,
    locale,
  }: { accountId: string; sessionUid: string; method: string; locale?: Locale },
  from: RequestSource,
): Promise<Outcome<object, 'unknown'>> {
  const chosen = await changeTwoStep(ctx, accountId, async (tx) => {
    const found = methodNamed(await secondStepMethods({ ...ctx, db: tx }, accountId), method);
    if (found) await prefer(tx, accountId, method);
    return found;
  });
  if (!chosen) return refused('unknown');
  await recordEvent(ctx, { type: 'two_step.preferred', accountId, sessionUid, detail: { method } }, from);
  await notifyAccount(ctx, { accountId, pageLocale: locale, template: 'second_step_preferred' });
  return { ok: true };
}
