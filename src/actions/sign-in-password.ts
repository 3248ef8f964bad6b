import { type Account, findAccountByIdentifier } from '../accounts/account.ts';
import { parseIdentifier } from '../accounts/identifier.ts';
import { recordEvent } from '../audit/record.ts';
import { verifyPassword } from '../credentials/password.ts';
import { type Outcome, refused } from '../kit/outcome.ts';
import {
  forgetFailures,
  giveBack,
  type Limited,
  orGiveBack,
  type Take,
  takeFromLimits,
} from '../limits/limits.ts';
import type { Services } from '../services.ts';
import type { RequestSource } from '../web/request-source.ts';
import { afterFirstFactor, type NextStep } from './sign-in.ts';

type Context = Pick<
  Services,
  'db' | 'clock' | 'live' | 'seals' | 'log' | 'metrics' | 'settings' | 'hashQueue'
>;

/**
 * The first factor. `refused` is the one no for everything that has to do with the account: wrong password, no such
 * account, locked, and any password, also the right one, after too many wrong ones. Each costs the same queries and
 * exactly one argon2 run, so neither words nor time tell them apart. `limited` depends on the sender alone.
 */
export async function submitPassword(
  app: Context,
  typed: { identifier: string; password: string; remember: boolean },
  from: RequestSource,
): Promise<Outcome<{ next: NextStep }, 'refused'> | Limited> {
  const shared = sharedLimits(from);
  const sender = await takeFromLimits(app, shared);
  if (!sender.ok) {
    app.metrics.signIns.inc({ outcome: 'limited' });
    return sender;
  }
  const { account, failures } = await orGiveBack(app, shared, () => whoseTry(app, typed.identifier));
  const room = await takeFromLimits(app, [failures]);
  const right = await orGiveBack(app, [...shared, failures], () =>
    verifyPassword(app, { accountId: account?.id, password: typed.password }),
  );
  if (!account || !right || !room.ok || account.lockedAt !== null) {
    await noteFailure(app, { account, why: room.ok ? whyNot(account, right) : 'too_many_tries' }, from);
    return refused('refused');
  }
  // Taken before the password was looked at, so that of many guesses at once no more than the limit are; a right one
  // costs nobody anything.
  await giveBack(app, shared);
  await forgetFailures(app, failures);
  const next = await afterFirstFactor(app, { accountId: account.id, remember: typed.remember, from });
  return { ok: true, next };
}

function sharedLimits({ ip }: RequestSource): Take[] {
  return [{ limit: 'password_by_address', key: ip }, { limit: 'password_by_everyone' }];
}

/**
 * Tries at an account are counted by the account, whichever of its addresses was typed; tries at what is no account are
 * counted by what was typed, so that a name nobody has slows down just the same. Keyed, since people type passwords
 * where the address belongs.
 */
async function whoseTry({ db, seals, settings }: Context, identifier: string) {
  const parsed = parseIdentifier(identifier, { region: settings.DEFAULT_PHONE_REGION });
  // What is no address is looked up all the same, for the time it takes; no stored address is empty.
  const address = parsed.ok ? parsed : { channel: 'email' as const, address: '' };
  const account = await findAccountByIdentifier({ db }, address);
  const nobody = seals.mac('sign-in identifier', address.address || identifier.trim().toLowerCase());
  return { account, failures: { limit: 'password_by_account' as const, key: account?.id ?? nobody } };
}

function whyNot(account: Account | undefined, right: boolean): string {
  if (!account) return 'unknown_account';
  return right ? 'locked' : 'wrong_password';
}

async function noteFailure(
  app: Context,
  { account, why }: { account: Account | undefined; why: string },
  from: RequestSource,
): Promise<void> {
  app.metrics.signIns.inc({ outcome: 'refused' });
  await recordEvent(
    app,
    { type: 'account.sign_in_failed', accountId: account?.id, detail: { reason: why } },
    from,
  );
}
