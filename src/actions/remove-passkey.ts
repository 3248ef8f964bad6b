import { recordEvent } from '../audit/record.ts';
import { removePasskey as drop, listPasskeys } from '../credentials/passkeys.ts';
import { findPassword } from '../credentials/password.ts';
import { changeTwoStep } from '../credentials/two-step.ts';
import { done, type Outcome, refused } from '../kit/outcome.ts';
import type { RequestSource } from '../web/request-source.ts';
import type { Locale } from '../web/words.ts';
import { changeInDoubt } from './change-in-doubt.ts';
import { cutOffOthers, recordEnded, signOutOthers } from './end-other-sessions.ts';
import { notifyAccount } from './notify-account.ts';
import { type KindContext, kindNamed } from './second-step-kinds.ts';
import { twoStepOf } from './second-step-methods.ts';

type Removal = { accountId: string; sessionUid: string; id: string; locale: Locale };

/**
 * Takes a passkey or security key off the account, but not the only way in, nor the last thing that can prove a second step
 * while one is asked for: turning that off is a choice of its own (turn-off-two-step.ts). Whoever came in with it is out.
 * `unknown` also for one of somebody else.
 */
export async function removePasskey(
  ctx: KindContext,
  { accountId, sessionUid, id, locale }: Removal,
  from: RequestSource,
): Promise<Outcome<object, 'unknown' | 'last_way_in' | 'last_second_step'>> {
  const passkey = (await listPasskeys(ctx, accountId)).find((one) => one.id === id);
  if (!passkey) return refused('unknown');
  const drops = { reason: 'method_removed', from } as const;
  const follows = () =>
    cutOffOthers(ctx, { accountId, except: sessionUid, drops }, async (ended) => {
      const detail = { credential: id };
      await recordEvent(ctx, { type: 'passkey.removed', accountId, sessionUid, detail }, from);
      await recordEnded(ctx, { accountId, ended }, from);
      const told = { template: 'passkey_removed', values: { passkey: passkey.name } } as const;
      await notifyAccount(ctx, { accountId, pageLocale: locale, ...told });
    });
  // A repetition is told `unknown`, so the owner is told also where a store goes away while it is made, or behind it.
  const removed = await changeInDoubt(ctx, () => takeOff(ctx, { accountId, sessionUid, id }), follows);
  if (removed.ok) await follows();
  return removed;
}

async function takeOff(
  ctx: KindContext,
  { accountId, sessionUid, id }: Omit<Removal, 'locale'>,
): Promise<Outcome<object, 'unknown' | 'last_way_in' | 'last_second_step'>> {
  const hasPassword = (await findPassword(ctx, accountId)) !== undefined;
  return await changeTwoStep(ctx, accountId, async (tx) => {
    const inside = { ...ctx, db: tx };
    const others = (await listPasskeys(inside, accountId)).filter((one) => one.id !== id);
    if (!hasPassword && !others.some(({ kind }) => kind === 'passkey')) return refused('last_way_in');
    if (await isLastSecondStep(inside, { accountId, id })) return refused('last_second_step');
    if (!(await drop(inside, { accountId, id }))) return refused('unknown');
    await signOutOthers(ctx, tx, { accountId, except: sessionUid });
    return done;
  });
}

/** Whether a second step is asked for that nothing else could prove: the page that asks says so. */
export async function isLastSecondStep(
  ctx: KindContext,
  { accountId, id }: { accountId: string; id: string },
) {
  const { on, methods } = await twoStepOf(ctx, accountId);
  return on && !methods.some((one) => one.id !== id && kindNamed(one.kind).standsAlone);
}
