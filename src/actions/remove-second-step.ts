import { recordEvent } from '../audit/record.ts';
import { changeTwoStep } from '../credentials/two-step.ts';
import { type Outcome, refused } from '../kit/outcome.ts';
import type { Services } from '../services.ts';
import type { RequestSource } from '../web/request-source.ts';
import type { Locale } from '../web/words.ts';
import { changeInDoubt } from './change-in-doubt.ts';
import { cutOffOthers, recordEnded, signOutOthers } from './end-other-sessions.ts';
import { notifyAccount } from './notify-account.ts';
import { type KindContext, type KindName, kindNamed, type SecondStepMethod } from './second-step-kinds.ts';
import { twoStepOf } from './second-step-methods.ts';

export type RemovalContext = KindContext & Pick<Services, 'settings'>;
export type Removal = { accountId: string; sessionUid: string; kind: KindName; id: string };

/**
 * Takes one method off the account, never the last that stands alone: of two requests that each remove one of two, one is
 * told `last`. Turning it all off is a choice of its own (turn-off-two-step.ts). Only after a fresh proof, which the page
 * asks for; every other session ends, and no browser is trusted any more. `unknown` also for a method of somebody else, and for
 * one that is removed already: so its owner is told also where a store goes away behind it, or while it is made.
 */
export async function removeSecondStep(
  ctx: RemovalContext,
  { accountId, sessionUid, kind, id, locale }: Removal & { locale?: Locale },
  from?: RequestSource,
): Promise<Outcome<object, 'unknown' | 'last'>> {
  if (!isAmong((await twoStepOf(ctx, accountId)).methods, { kind, id })) return refused('unknown');
  const drops = { reason: 'method_removed', from } as const;
  const follows = () =>
    cutOffOthers(ctx, { accountId, except: sessionUid, drops }, async (ended) => {
      await recordRemoved(ctx, { accountId, sessionUid, kind, id }, from);
      await recordEnded(ctx, { accountId, ended }, from);
      const template = kind === 'text' ? 'text_step_removed' : 'second_step_removed';
      await notifyAccount(ctx, { accountId, pageLocale: locale, template });
    });
  const removed = await changeInDoubt(ctx, () => takeOff(ctx, { accountId, sessionUid, kind, id }), follows);
  if (removed.ok) await follows();
  return removed;
}

function isAmong(methods: readonly SecondStepMethod[], { kind, id }: Pick<Removal, 'kind' | 'id'>): boolean {
  return methods.some((one) => one.kind === kind && one.id === id);
}

async function recordRemoved(
  ctx: RemovalContext,
  { accountId, sessionUid, kind, id }: Removal,
  from: RequestSource | undefined,
): Promise<void> {
  const who = { accountId, sessionUid };
  if (kind === 'totp')
    await recordEvent(ctx, { type: 'totp.removed', ...who, detail: { credential: id } }, from);
  if (kind === 'text')
    await recordEvent(ctx, { type: 'text_step.removed', ...who, detail: { method: id } }, from);
}

/**
 * Removes it unless nothing that stands alone would be left while the second step is on: counting and removing are one step.
 */
async function takeOff(
  ctx: KindContext,
  { accountId, sessionUid, kind, id }: Removal,
): Promise<Outcome<object, 'unknown' | 'last'>> {
  return await changeTwoStep(ctx, accountId, async (tx) => {
    const { on, methods } = await twoStepOf({ ...ctx, db: tx }, accountId);
    if (!isAmong(methods, { kind, id })) return refused('unknown');
    const left = methods.filter((one) => !(one.kind === kind && one.id === id));
    if (on && !left.some((one) => kindNamed(one.kind).standsAlone)) return refused('last');
    if (!(await kindNamed(kind).remove(tx, { accountId, id }))) return refused('unknown');
    await signOutOthers(ctx, tx, { accountId, except: sessionUid });
    return { ok: true };
  });
}
