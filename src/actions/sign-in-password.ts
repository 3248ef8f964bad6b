import { type Account, findAccountByIdentifier } from '../accounts/account.ts';
import { parseIdentifier } from '../accounts/identifier.ts';
import { recordEvent } from '../audit/record.ts';
import { verifyPassword } from '../credentials/password.ts';
import { type Lines, openLines } from '../kit/lines.ts';
import { type Outcome, refused } from '../kit/outcome.ts';
import type { Subject } from '../limits/failures.ts';
import { giveBack, type Limited, orGiveBack } from '../limits/limits.ts';
import { notePressure } from '../limits/pressure.ts';
import type { Services } from '../services.ts';
import type { RequestSource } from '../web/request-source.ts';
import { roomForPassword } from './room-for-password.ts';
import { afterFirstFactor, type NextStep } from './sign-in.ts';
import { giveOneTryBack, orGiveTryBack, takeOneTry } from './tries.ts';
import { warnOfKnownPassword } from './warn-of-known-password.ts';

type Context = Pick<
  Services,
  'db' | 'clock' | 'live' | 'seals' | 'log' | 'metrics' | 'settings' | 'hashQueue'
>;

/**
 * The first factor. `refused` is the one no for everything that has to do with the account: wrong password, no such
 * account, and any password, also the right one, while the account waits or its password is off. Each costs the same
 * queries and exactly one argon2 run, so neither words nor time tell them apart. `limited` depends on the sender alone.
 */
export async function submitPassword(
  app: Context,
  typed: { identifier: string; password: string; remember: boolean },
  from: RequestSource,
): Promise<Outcome<{ next: NextStep }, 'refused'> | Limited> {
  const sender = await roomForPassword(app, typed.identifier, from);
  if (!sender.ok) {
    app.metrics.signIns.inc({ outcome: 'limited' });
    return sender;
  }
  const { account, right, taken } = await orGiveBack(app, sender.taken, () => judge(app, typed, from));
  if (!account || !right || !taken.ok) {
    await noteFailure(app, { account, why: taken.ok ? whyNot(account) : whyNotYet(taken) }, from);
    return refused('refused');
  }
  // Taken before the password was looked at, so that of many guesses at once no more than the limit are; a right one
  // costs nobody anything. What was wrong before is forgotten when the sign-in is complete (complete-sign-in.ts).
  await giveBack(app, sender.taken);
  const accountId = account.id;
  const passwordKnown = await warnOfKnownPassword(app, { accountId, password: typed.password }, from);
  const next = afterFirstFactor(app, { accountId, remember: typed.remember, passwordKnown });
  return { ok: true, next };
}

// One line of tries a store; tests have several.
const lines = new WeakMap<Services['db'], Lines>();

/**
 * The password is looked at also when there is no try left: the answer is no then, but has taken the same time. One after
 * the other for each account in this process: were a person's six tabs to sign in at once, the sixth would run into the
 * limit before the first is known to be right.
 */
async function judge(app: Context, typed: { identifier: string; password: string }, from: RequestSource) {
  const { account, subject } = await whoseTry(app, typed.identifier);
  const wanted = { proof: 'password', subject } as const;
  const line = lines.get(app.db) ?? openLines({ depth: 16, retryAfter: 2 });
  lines.set(app.db, line);
  // A known browser does not stand behind whoever hammers from elsewhere.
  return await line.run(`${JSON.stringify(subject)} ${from.browser ?? ''}`, async () => {
    const taken = await takeOneTry(app, wanted, from);
    const counted = { taken, browser: from.browser };
    const right = await orGiveTryBack(app, wanted, counted, () =>
      verifyPassword(app, { accountId: account?.id, password: typed.password }),
    );
    if (right) await giveOneTryBack(app, wanted, counted);
    return { account, right, taken };
  });
}

/**
 * Tries at an account are counted by the account, whichever of its addresses was typed; tries at what is no account are
 * counted by what was typed, so that a name nobody has slows down just the same. Keyed, since people type passwords
 * where the address belongs.
 */
async function whoseTry(
  { db, seals, settings }: Context,
  identifier: string,
): Promise<{ account: Account | undefined; subject: Subject }> {
  const parsed = parseIdentifier(identifier, { region: settings.DEFAULT_PHONE_REGION });
  // What is no address is looked up all the same, for the time it takes; no stored address is empty.
  const address = parsed.ok ? parsed : { channel: 'email' as const, address: '' };
  const account = await findAccountByIdentifier({ db }, address);
  const nobody = seals.mac('sign-in identifier', address.address || identifier.trim().toLowerCase());
  return { account, subject: account ? { account: account.id } : { nobody } };
}

function whyNot(account: Account | undefined): string {
  return account ? 'wrong_password' : 'unknown_account';
}

/** For the record: the page says the same of both. */
function whyNotYet({ off }: { off: boolean }): string {
  return off ? 'password_off' : 'too_many_tries';
}

async function noteFailure(
  app: Context,
  { account, why }: { account: Account | undefined; why: string },
  from: RequestSource,
): Promise<void> {
  app.metrics.signIns.inc({ outcome: 'refused' });
  await notePressure(app, { door: 'sign_in', ip: from.ip });
  await recordEvent(
    app,
    { type: 'account.sign_in_failed', accountId: account?.id, detail: { reason: why } },
    from,
  );
}
