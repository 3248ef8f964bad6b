import { findAccount } from '../accounts/account.ts';
import { recordEvent } from '../audit/record.ts';
import {
  checkNewPassword,
  findPassword,
  hashPassword,
  type PasswordRefusal,
  verifyPassword,
} from '../credentials/password.ts';
import { done, type Outcome, refused } from '../kit/outcome.ts';
import { giveBack, type Limited, orGiveBack, takeFromLimits } from '../limits/limits.ts';
import type { Services } from '../services.ts';
import type { RequestSource } from '../web/request-source.ts';
import type { Locale } from '../web/words.ts';
import { wellKnown } from './create-account.ts';
import { replaceProvedPassword } from './replace-proved-password.ts';
import { giveOneTryBack, orGiveTryBack, takeOneTry, toLimited } from './tries.ts';

type Context = Pick<
  Services,
  'db' | 'clock' | 'live' | 'seals' | 'log' | 'settings' | 'hashQueue' | 'metrics'
>;
type Change = {
  accountId: string;
  sessionUid: string;
  current: string;
  next: string;
  /** The page's, for the notice. */
  locale?: Locale;
};

export type ChangeRefusal = PasswordRefusal | 'wrong_password' | 'password_off' | 'unknown_account';

/**
 * Changes the password of somebody who is signed in and knows the old one. Ends every other session: if the old
 * password was known to somebody else, that is where they are. Wrong guesses count with those of the sign-in page, or
 * whoever sits at an open browser could go on guessing here; when the password is off, a reset is the way.
 */
export async function changePassword(
  ctx: Context,
  { accountId, sessionUid, current, next, locale }: Change,
  from: RequestSource,
): Promise<Outcome<{ ended: number }, ChangeRefusal> | Limited> {
  const account = await findAccount(ctx, accountId);
  if (!account) return refused('unknown_account');
  const acceptable = checkNewPassword(ctx, { password: next, about: wellKnown(account) });
  if (!acceptable.ok) return acceptable;
  // Read before it is proved: what is set from here on is another one.
  const setAt = (await findPassword(ctx, accountId))?.changedAt ?? 0;
  const known = await provePassword(ctx, { accountId, password: current }, from);
  if (!known.ok && known.reason !== 'wrong_password') return known;
  const changed = known.ok
    ? await replaceProved(ctx, { accountId, sessionUid, next, locale, setAt }, from)
    : known;
  if (changed.ok) return changed;
  const detail = { reason: changed.reason };
  await recordEvent(ctx, { type: 'password.change_failed', accountId, sessionUid, detail }, from);
  return changed;
}

type Proved = Omit<Change, 'current' | 'locale'> & { locale: Locale | undefined; setAt: number };

/** `wrong_password` where what was typed as the current one is that no more: another was set meanwhile, and stands. */
async function replaceProved(
  ctx: Context,
  { accountId, sessionUid, next, locale, setAt }: Proved,
  from: RequestSource,
): Promise<Outcome<{ ended: number }, 'wrong_password'>> {
  const hashed = await hashPassword(ctx, next);
  // It took its time, in which sessions may have begun by a newer password. They are left alone.
  if ((await findPassword(ctx, accountId))?.changedAt !== setAt) return refused('wrong_password');
  const replacement = { accountId, hashed, unlessSetAfter: setAt, except: sessionUid, sessionUid, locale };
  const { changed, ended } = await replaceProvedPassword(ctx, replacement, from);
  return changed ? { ok: true, ended } : refused('wrong_password');
}

/** A fresh proof by the password, for whoever is signed in. */
export async function provePassword(
  ctx: Context,
  { accountId, password }: { accountId: string; password: string },
  from: RequestSource,
): Promise<Outcome<object, 'wrong_password' | 'password_off'> | Limited> {
  const takes = [
    { limit: 'password_by_address', key: from.ip },
    { limit: 'password_by_network', key: from.ip },
    { limit: 'password_by_everyone' },
  ] as const;
  const room = await takeFromLimits(ctx, takes);
  if (!room.ok) return room;
  const wanted = { proof: 'password', subject: { account: accountId } } as const;
  const taken = await orGiveBack(ctx, takes, () => takeOneTry(ctx, wanted, from));
  if (!taken.ok) return taken.off ? refused('password_off') : toLimited(taken);
  const counted = { taken, browser: from.browser };
  const right = await orGiveBack(ctx, takes, () =>
    orGiveTryBack(ctx, wanted, counted, () => verifyPassword(ctx, { accountId, password })),
  );
  if (right) {
    await giveBack(ctx, takes);
    await giveOneTryBack(ctx, wanted, counted);
    return done;
  }
  return refused('wrong_password');
}
