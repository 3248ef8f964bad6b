import { findAccount } from '../accounts/account.ts';
import { recordEvent } from '../audit/record.ts';
import {
  checkNewPassword,
  hashPassword,
  type PasswordRefusal,
  storePasswordHash,
} from '../credentials/password.ts';
import type { Outcome } from '../kit/outcome.ts';
import { wellKnown } from './create-account.ts';
import { dropTrustedDevices } from './drop-trusted-devices.ts';
import { cutOffOthersAround } from './end-other-sessions.ts';
import { forgetOldPassword } from './forget-old-password.ts';
import { notifyAccount } from './notify-account.ts';
import { passGate, stillStands } from './pass-gate.ts';
import type { KindContext } from './second-step-kinds.ts';
import type { Entry, KnownPasswordProgress, NextStep } from './sign-in.ts';

const startOver = { ok: true, next: { at: 'start', notice: 'start_over' } } as const;

/**
 * The end of a sign-in with a password that attackers try first (warn-of-known-password.ts): everything is proved, the person
 * sets another, and only then is signed in. What a change of the password does on the account pages it does here: whoever
 * else came in by the old one is out, on browsers and in apps.
 */
export async function changeKnownPassword(
  app: KindContext,
  { progress, password }: { progress: KnownPasswordProgress; password: string },
  { from, locale, ownSession }: Entry,
): Promise<Outcome<{ next: NextStep }, PasswordRefusal>> {
  const { accountId, amr, remember, newBrowser } = progress;
  const account = await findAccount(app, accountId);
  // It was set in another tab, or the account was stopped or signed out everywhere, while the page was open.
  if (!account || !(await stillStands(app, progress))) return startOver;
  const acceptable = checkNewPassword(app, { password, about: wellKnown(account) });
  if (!acceptable.ok) return acceptable;
  const hashed = await hashPassword(app, password);
  // Hashing takes its time, and the owner may have set another in it, or signed out everywhere: that stands.
  if (!(await stillStands(app, progress))) return startOver;
  const { changed, ended } = await cutOffOthersAround(app, { accountId, except: ownSession }, async () => {
    const unlessSetAfter = progress.provedAt;
    const stored = await storePasswordHash(app, { accountId, ...hashed, unlessSetAfter });
    if (stored) await forgetOldPassword(app, { accountId, except: from.browser });
    return stored;
  });
  if (!changed) return startOver;
  await dropTrustedDevices(app, { accountId, reason: 'password_changed' }, from);
  const detail = { sessions_ended: ended };
  await recordEvent(app, { type: 'password.changed', accountId, detail }, from);
  await notifyAccount(app, { accountId, pageLocale: locale, template: 'password_changed' });
  // The moment after its own change, which ends what was proved before it. What others did meanwhile was judged above.
  const provedAt = app.clock.now();
  return { ok: true, next: await passGate(app, { accountId, provedAt, amr, remember, from, newBrowser }) };
}
