import { type Account, findAccount } from '../accounts/account.ts';
import { recordEvent } from '../audit/record.ts';
import {
  checkNewPassword,
  findPassword,
  hashPassword,
  type PasswordRefusal,
  storePasswordHash,
} from '../credentials/password.ts';
import type { Outcome } from '../kit/outcome.ts';
import type { Services } from '../services.ts';
import type { RequestSource } from '../web/request-source.ts';
import type { Locale } from '../web/words.ts';
import { wellKnown } from './create-account.ts';
import { endAccessAround } from './end-all-access.ts';
import { forgetOldPassword } from './forget-old-password.ts';
import { notifyAccount } from './notify-account.ts';
import { startOver } from './pass-gate.ts';
import { afterFirstFactor, type NextStep, type SignInProgress } from './sign-in.ts';
import { isProved } from './sign-up.ts';

type Context = Pick<
  Services,
  'db' | 'clock' | 'live' | 'seals' | 'log' | 'metrics' | 'settings' | 'hashQueue'
>;
type NewPassword = Extract<SignInProgress, { at: 'new_password' }>;

/**
 * A forgotten password, second half. Setting it ends every session and every app's access: whoever knew the old one may
 * be in there. All proved addresses are told. The second step is still asked where there is one: a mailbox alone must
 * not be enough.
 */
export async function submitNewPassword(
  app: Context,
  { progress, password, locale }: { progress: NewPassword; password: string; locale: Locale },
  from: RequestSource,
): Promise<Outcome<{ next: NextStep }, PasswordRefusal>> {
  const account = await ticketHolder(app, progress);
  if (!account) return startOver;
  const acceptable = checkNewPassword(app, { password, about: wellKnown(account) });
  if (!acceptable.ok) return acceptable;
  if (!(await replacePassword(app, { progress, password, locale }, from))) return startOver;
  // A lock outlasts the reset. Whoever is locked out is not told here, but asked to sign in like anybody.
  if (account.lockedAt !== null) return { ok: true, next: { at: 'start', notice: 'password_set' } };
  const resetBy = progress.address;
  return { ok: true, next: afterFirstFactor(app, { accountId: account.id, remember: false, resetBy }) };
}

/** The ticket is void once the address left the account, or once a password was set by other means (misuse case RC-07). */
async function ticketHolder(app: Context, progress: NewPassword): Promise<Account | undefined> {
  const { accountId, provedAt } = progress;
  const account = await findAccount(app, accountId);
  if (!account?.contacts.some((known) => isProved(known, progress))) return undefined;
  const current = await findPassword(app, accountId);
  return (current?.changedAt ?? 0) > provedAt ? undefined : account;
}

/**
 * False where the ticket was void by the time it came to that: what was set meanwhile stands. It is void once this is done, too, so
 * the owner is told also where the live state goes away behind it.
 */
async function replacePassword(
  app: Context,
  { progress, password, locale }: { progress: NewPassword; password: string; locale: Locale },
  from: RequestSource,
): Promise<boolean> {
  const { accountId, channel, provedAt: unlessSetAfter } = progress;
  // Hashed before anything changes: a full queue then leaves everything as it was.
  const hashed = await hashPassword(app, password);
  // It took its time, in which sessions may have begun by a newer password. They are left alone.
  if (!(await ticketHolder(app, progress))) return false;
  const keepOut = async () => {
    const stored = await storePasswordHash(app, { accountId, ...hashed, unlessSetAfter });
    if (stored) await forgetOldPassword(app, { accountId });
    return stored;
  };
  const { changed } = await endAccessAround(app, { accountId }, keepOut, async (ended) => {
    const detail = { channel, sessions_ended: ended.sessions };
    await recordEvent(app, { type: 'password.reset', accountId, detail }, from);
    await notifyAccount(app, { accountId, template: 'password_reset', pageLocale: locale });
  });
  return changed;
}
