import { recordEvent } from '../audit/record.ts';
import { verifyAgainst } from '../credentials/password.ts';
import { type Lines, openLines } from '../kit/lines.ts';
import { type Outcome, refused } from '../kit/outcome.ts';
import { type Limited, orGiveBack } from '../limits/limits.ts';
import { notePressure } from '../limits/pressure.ts';
import { readSignInGeneration } from '../oidc/interaction.ts';
import type { Services } from '../services.ts';
import type { RequestSource } from '../web/request-source.ts';
import { roomForPassword, type Whose } from './room-for-password.ts';
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
  // From before the password's row is read: one that is set while this one is looked at makes it start over (pass-gate.ts).
  const provedAt = app.clock.now();
  const sender = await roomForPassword(app, typed.identifier, from);
  if (!sender.ok) {
    app.metrics.signIns.inc({ outcome: 'limited' });
    return sender;
  }
  const { whose } = sender;
  const looked = await orGiveBack(app, sender.taken, (back) => judge(app, typed, { whose, from, back }));
  const { accountId, right, taken, generation } = looked;
  if (accountId === undefined || !right || !taken.ok) {
    await noteFailure(app, { accountId, why: taken.ok ? whyNot(accountId) : whyNotYet(taken) }, from);
    return refused('refused');
  }
  const passwordKnown = await warnOfKnownPassword(app, { accountId, password: typed.password }, from);
  const { remember } = typed;
  const next = afterFirstFactor(app, { accountId, remember, passwordKnown, provedAt, generation });
  return { ok: true, next };
}

// One line of tries a store; tests have several.
const lines = new WeakMap<Services['db'], Lines>();

/**
 * The password is looked at also when there is no try left: the answer is no then, but has taken the same time. One after
 * the other for each account in this process: were a person's six tabs to sign in at once, the sixth would run into the
 * limit before the first is known to be right.
 */
async function judge(
  app: Context,
  { password }: { password: string },
  {
    whose: { claimant, subject },
    from,
    back,
  }: { whose: Whose; from: RequestSource; back: () => Promise<void> },
) {
  const { accountId, password: stored } = claimant ?? {};
  const wanted = { proof: 'password', subject } as const;
  const line = lines.get(app.db) ?? openLines({ depth: 16, retryAfter: 2 });
  lines.set(app.db, line);
  // A known browser does not stand behind whoever hammers from elsewhere.
  return await line.run(`${JSON.stringify(subject)} ${from.browser ?? ''}`, async () => {
    const taken = await takeOneTry(app, wanted, from);
    const counted = { taken, browser: from.browser };
    const right = await orGiveTryBack(app, wanted, counted, () =>
      verifyAgainst(app, { accountId, stored, password }),
    );
    if (!right || !taken.ok) return { accountId, right, taken };
    // Taken before the password was looked at, so that of many guesses at once no more than the limit are; a right one
    // costs nobody anything. What was wrong before is forgotten when the sign-in is complete (complete-sign-in.ts).
    const generation = readSignInGeneration(app, accountId ?? '');
    await Promise.all([giveOneTryBack(app, wanted, counted), back(), generation]);
    return { accountId, right, taken, generation: { read: await generation } };
  });
}

function whyNot(accountId: string | undefined): string {
  return accountId === undefined ? 'unknown_account' : 'wrong_password';
}

/** For the record: the page says the same of both. */
function whyNotYet({ off }: { off: boolean }): string {
  return off ? 'password_off' : 'too_many_tries';
}

async function noteFailure(
  app: Context,
  { accountId, why }: { accountId: string | undefined; why: string },
  from: RequestSource,
): Promise<void> {
  app.metrics.signIns.inc({ outcome: 'refused' });
  await notePressure(app, { door: 'sign_in', ip: from.ip });
  await recordEvent(app, { type: 'account.sign_in_failed', accountId, detail: { reason: why } }, from);
}
