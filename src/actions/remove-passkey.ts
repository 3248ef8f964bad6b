import { recordEvent } from '../audit/record.ts';
import { removePasskey as drop, listPasskeys } from '../credentials/passkeys.ts';
import { findPassword } from '../credentials/password.ts';
import { changeTwoStep, turnOff } from '../credentials/two-step.ts';
import { done, type Outcome, refused } from '../kit/outcome.ts';
import type { RequestSource } from '../web/request-source.ts';
import type { Locale } from '../web/words.ts';
import { dropTrustedDevices } from './drop-trusted-devices.ts';
import { cutOffOthers } from './end-other-sessions.ts';
import { notifyAccount } from './notify-account.ts';
import { type KindContext, kindNamed } from './second-step-kinds.ts';
import { twoStepOf } from './second-step-methods.ts';

type Removal = { accountId: string; sessionUid: string; id: string; locale: Locale };

/**
 * Takes a passkey or security key off the account. With the last thing that can prove a second step, two-step verification is
 * off; a passkey that is the only way in stays. Whoever came in with it is out. `unknown` also for one of somebody else.
 */
export async function removePasskey(
  ctx: KindContext,
  { accountId, sessionUid, id, locale }: Removal,
  from: RequestSource,
): Promise<Outcome<object, 'unknown' | 'last_way_in'>> {
  const passkey = (await listPasskeys(ctx, accountId)).find((one) => one.id === id);
  if (!passkey) return refused('unknown');
  const hasPassword = (await findPassword(ctx, accountId)) !== undefined;
  const removed = await changeTwoStep(ctx, accountId, async (tx) => {
    const inside = { ...ctx, db: tx };
    const others = (await listPasskeys(inside, accountId)).filter((one) => one.id !== id);
    if (!hasPassword && !others.some(({ kind }) => kind === 'passkey')) return refused('last_way_in');
    if (!(await drop(inside, { accountId, id }))) return refused('unknown');
    const { methods } = await twoStepOf(inside, accountId);
    if (!methods.some(({ kind }) => kindNamed(kind).standsAlone)) await turnOff(tx, accountId);
    return done;
  });
  if (!removed.ok) return removed;
  await dropTrustedDevices(ctx, { accountId, reason: 'method_removed' }, from);
  const { ended } = await cutOffOthers(ctx, { accountId, except: sessionUid });
  await recordEvent(
    ctx,
    { type: 'passkey.removed', accountId, sessionUid, detail: { credential: id } },
    from,
  );
  if (ended > 0)
    await recordEvent(ctx, { type: 'sessions.ended', accountId, detail: { count: ended } }, from);
  const told = { template: 'passkey_removed', values: { passkey: passkey.name } } as const;
  await notifyAccount(ctx, { accountId, pageLocale: locale, ...told });
  return done;
}

/** Whether two-step verification would be off without it: the page that asks says so. */
export async function isLastSecondStep(
  ctx: KindContext,
  { accountId, id }: { accountId: string; id: string },
) {
  const { on, methods } = await twoStepOf(ctx, accountId);
  return on && !methods.some((one) => one.id !== id && kindNamed(one.kind).standsAlone);
}
