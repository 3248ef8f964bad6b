import { findAccount } from '../accounts/account.ts';
import { checkNewPassword, hashPassword, type PasswordRefusal } from '../credentials/password.ts';
import type { Outcome } from '../kit/outcome.ts';
import { wellKnown } from './create-account.ts';
import { passGate, startOver, stillStands } from './pass-gate.ts';
import { replaceProvedPassword } from './replace-proved-password.ts';
import type { KindContext } from './second-step-kinds.ts';
import type { Entry, KnownPasswordProgress, NextStep } from './sign-in.ts';

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
  const next = { accountId, hashed, unlessSetAfter: progress.provedAt, except: ownSession, locale };
  const { changed } = await replaceProvedPassword(app, next, from);
  if (!changed) return startOver;
  // The moment after its own change, which ends what was proved before it. What others did meanwhile was judged above.
  const provedAt = app.clock.now();
  return { ok: true, next: await passGate(app, { accountId, provedAt, amr, remember, from, newBrowser }) };
}
