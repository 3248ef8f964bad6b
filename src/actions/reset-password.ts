import { findAccountByIdentifier } from '../accounts/account.ts';
import { type Identifier, parseIdentifier } from '../accounts/identifier.ts';
import { recordEvent } from '../audit/record.ts';
import { checkContactCode, issueContactCode } from '../credentials/contact-codes.ts';
import { type Outcome, refused } from '../kit/outcome.ts';
import type { Subject } from '../limits/failures.ts';
import { type Limited, orGiveBack, type Take, takeFromLimits } from '../limits/limits.ts';
import { codeCameBack, messageTakes } from '../limits/message-budget.ts';
import { notePressure } from '../limits/pressure.ts';
import { sendMessage } from '../mail/message.ts';
import type { Services } from '../services.ts';
import type { RequestSource } from '../web/request-source.ts';
import { tellWhereAccountIs } from './ask-regions.ts';
import type { NextStep, SignInProgress } from './sign-in.ts';
import { codeIsAbout, isProved, reaches, type Visit } from './sign-up.ts';
import { giveOneTryBack, orGiveTryBack, takeOneTry, toLimited } from './tries.ts';

type Context = Pick<Services, 'db' | 'clock' | 'live' | 'seals' | 'log' | 'metrics' | 'settings'>;
type ResetCode = Extract<SignInProgress, { at: 'reset_code' }>;

/**
 * A forgotten password, first half: a code goes to the address if an account has proved that it is its own. The page
 * that follows is the same for every address, and so is the work.
 *
 *   start ── forgot ──► reset_code ── right code ──► new_password (reset-password-set.ts)
 */
export async function requestReset(
  app: Context,
  typed: { identifier: string },
  visit: Visit,
): Promise<Outcome<{ next: NextStep }, 'not_an_address' | 'no_text_messages'> | Limited> {
  const parsed = parseIdentifier(typed.identifier, { region: app.settings.DEFAULT_PHONE_REGION });
  if (!parsed.ok) return parsed;
  if (!reaches(app.settings, parsed)) return refused('no_text_messages');
  const { channel, address, written } = parsed;
  await notePressure(app, { door: 'forgot', ip: visit.from.ip });
  return await sendResetCode(app, { identifier: { channel, address, written }, sentAgain: false }, visit);
}

export async function sendResetCodeAgain(
  app: Context,
  { progress }: { progress: ResetCode },
  visit: Visit,
): Promise<{ ok: true; next: NextStep } | Limited> {
  const { channel, address, written } = progress;
  return await sendResetCode(app, { identifier: { channel, address, written }, sentAgain: true }, visit);
}

async function sendResetCode(
  app: Context,
  { identifier, sentAgain }: { identifier: Identifier; sentAgain: boolean },
  visit: Visit,
): Promise<{ ok: true; next: NextStep } | Limited> {
  const takes = resetTakes(app, identifier, visit.from);
  const room = await takeFromLimits(app, takes);
  if (!room.ok) return room;
  const next = await orGiveBack(app, takes, () => sendOne(app, { identifier, sentAgain }, visit));
  return { ok: true, next };
}

async function sendOne(
  app: Context,
  { identifier, sentAgain }: { identifier: Identifier; sentAgain: boolean },
  visit: Visit,
): Promise<NextStep> {
  const found = await findAccountByIdentifier(app, identifier);
  // Only a proved address resets: who merely claims one must not get in by it.
  const account = found?.contacts.some((known) => isProved(known, identifier)) ? found : undefined;
  const about = codeIsAbout(visit, identifier);
  const { id, code, guessesLeft } = await issueContactCode(app, { purpose: 'reset', about, data: {} });
  if (guessesLeft === 0) return { at: 'start', notice: 'too_many_codes' };
  // To the address as its owner wrote it: some hosts tell `Victim@` from `victim@`, and we do not.
  const owned = account?.contacts.find((known) => isProved(known, identifier));
  await tellOwner(app, { accountId: account?.id, to: owned ?? identifier, code }, visit);
  tellWhereAccountIs(app, { to: identifier, hasAccount: account !== undefined, locale: visit.locale });
  const accountId = account && { accountId: account.id };
  return { at: 'reset_code', ...identifier, ...accountId, codeId: id, sentAgain };
}

function resetTakes(
  app: Pick<Context, 'seals' | 'settings'>,
  identifier: Identifier,
  from: RequestSource,
): Take[] {
  return [
    { limit: 'reset_by_contact', key: resetMac(app, identifier) },
    ...messageTakes(app, identifier, from),
  ];
}

/** Names an address where its text must not stand: counters are read by whoever reads a backup. */
function resetMac(
  { seals }: Pick<Context, 'seals'>,
  { channel, address }: Pick<Identifier, 'channel' | 'address'>,
): string {
  return seals.mac('reset contact', `${channel} ${address}`);
}

/** The same event and the same message are written whether there is an account or not; one of the messages goes nowhere. */
async function tellOwner(
  app: Context,
  { accountId, to, code }: { accountId: string | undefined; to: Identifier; code: string },
  { locale, from }: Visit,
): Promise<void> {
  const { channel } = to;
  await recordEvent(app, { type: 'password.reset_requested', accountId, detail: { channel } }, from);
  await sendMessage(app, {
    to: accountId ? to : undefined,
    template: 'reset_code',
    locale,
    values: { code },
  });
}

/** A right code is a ticket to choose a new password, good for a quarter of an hour in this interaction. */
export async function submitResetCode(
  app: Context,
  { progress, code, interactionUid }: { progress: ResetCode; code: string; interactionUid: string },
  from: RequestSource,
): Promise<Outcome<{ next: NextStep }, 'wrong_code' | 'expired'> | Limited> {
  const { accountId, channel, address, written, codeId } = progress;
  const room = await takeFromLimits(app, [{ limit: 'code_guess_by_address', key: from.ip }]);
  if (!room.ok) return room;
  const subject: Subject = accountId ? { account: accountId } : { nobody: resetMac(app, progress) };
  const wanted = { proof: 'reset_code', subject } as const;
  const taken = await takeOneTry(app, wanted, from);
  const about = codeIsAbout({ interactionUid }, progress);
  const counted = { taken, browser: from.browser };
  const checked = taken.ok
    ? await orGiveTryBack(app, wanted, counted, () =>
        checkContactCode(app, { purpose: 'reset', about, id: codeId, code }),
      )
    : toLimited(taken);
  // Without an account the code went to nobody; one in a million guesses it, and is told what the others are told.
  if (!checked.ok || !accountId) {
    const reason = checked.ok ? 'wrong_code' : checked.reason;
    await noteResetFailure(app, { accountId, channel, reason }, from);
    return checked.ok || checked.reason !== 'limited' ? refused(reason as 'wrong_code' | 'expired') : checked;
  }
  await giveOneTryBack(app, wanted, counted);
  await codeCameBack(app, progress);
  const provedAt = app.clock.now();
  return { ok: true, next: { at: 'new_password', accountId, channel, address, written, provedAt } };
}

async function noteResetFailure(
  app: Context,
  { accountId, ...detail }: { accountId: string | undefined; channel: 'email' | 'phone'; reason: string },
  from: RequestSource,
): Promise<void> {
  await recordEvent(app, { type: 'password.reset_failed', accountId, detail }, from);
}
