import { findAccountByIdentifier } from '../accounts/account.ts';
import { type Identifier, parseIdentifier } from '../accounts/identifier.ts';
import { profileSchema } from '../accounts/profile.ts';
import { issueContactCode } from '../credentials/contact-codes.ts';
import { checkNewPassword, hashPassword, type PasswordRefusal } from '../credentials/password.ts';
import { type Outcome, refused } from '../kit/outcome.ts';
import { newId } from '../kit/secrets.ts';
import { type Limited, orGiveBack, takeFromLimits } from '../limits/limits.ts';
import { messageTakes, textsReach } from '../limits/message-budget.ts';
import { notePressure } from '../limits/pressure.ts';
import { canText, sendMessage } from '../mail/message.ts';
import type { Services } from '../services.ts';
import type { RequestSource } from '../web/request-source.ts';
import type { Locale } from '../web/words.ts';
import type { NextStep, SignInProgress } from './sign-in.ts';

type Context = Pick<
  Services,
  'db' | 'clock' | 'live' | 'seals' | 'log' | 'metrics' | 'settings' | 'hashQueue'
>;
/** The page's language goes with what is sent; the interaction binds the code to this one sign-up. */
export type Visit = { interactionUid: string; locale: Locale; from: RequestSource };
type ProveAddress = Extract<SignInProgress, { at: 'prove_address' }>;
export type SignUpRefusal = 'not_a_name' | 'not_an_address' | 'no_text_messages' | PasswordRefusal;

/**
 * The first half of signing up: nothing is kept but in the progress until the address is proved, so nobody can sit on
 * an address that is not theirs. Whether the address has an account already is not told to the page: the same work is
 * done and the same page follows, and the address itself gets the message that says it.
 */
export async function submitSignUp(
  app: Context,
  typed: { name: string; identifier: string; password: string },
  visit: Visit,
): Promise<Outcome<{ next: NextStep }, SignUpRefusal> | Limited> {
  const checked = checkSignUp(app, typed);
  if (!checked.ok) return checked;
  const { identifier, name } = checked;
  const take = { limit: 'sign_up_by_address', key: visit.from.ip } as const;
  const room = await takeFromLimits(app, [take]);
  if (!room.ok) return room;
  await notePressure(app, { door: 'sign_up', ip: visit.from.ip });
  const hashed = await orGiveBack(app, [take], () => hashPassword(app, typed.password));
  const pending = { accountId: newId(), name, ...hashed };
  return await sendSignUpCode(app, { identifier, pending, sentAgain: false }, visit);
}

/** Another code for the same address; the one before it is dead from here on. */
export async function sendSignUpCodeAgain(
  app: Context,
  { progress }: { progress: ProveAddress },
  visit: Visit,
): Promise<{ ok: true; next: NextStep } | Limited> {
  const { channel, address, written, pending } = progress;
  return await sendSignUpCode(
    app,
    { identifier: { channel, address, written }, pending, sentAgain: true },
    visit,
  );
}

function checkSignUp(
  { settings }: Pick<Services, 'settings'>,
  { name, identifier, password }: { name: string; identifier: string; password: string },
): Outcome<{ identifier: Identifier; name: string }, SignUpRefusal> {
  const profile = profileSchema.safeParse({ name });
  if (!profile.success || profile.data.name === undefined) return refused('not_a_name');
  const parsed = parseIdentifier(identifier, { region: settings.DEFAULT_PHONE_REGION });
  if (!parsed.ok) return parsed;
  if (!reaches(settings, parsed)) return refused('no_text_messages');
  const about = [profile.data.name, parsed.written];
  const acceptable = checkNewPassword({ settings }, { password, about });
  if (!acceptable.ok) return acceptable;
  const { channel, address, written } = parsed;
  return { ok: true, identifier: { channel, address, written }, name: profile.data.name };
}

export function reaches(
  settings: Services['settings'],
  { channel, address }: Pick<Identifier, 'channel' | 'address'>,
): boolean {
  return channel === 'email' || (canText(settings) && textsReach(settings, address));
}

async function sendSignUpCode(
  app: Context,
  {
    identifier,
    pending,
    sentAgain,
  }: { identifier: Identifier; pending: ProveAddress['pending']; sentAgain: boolean },
  visit: Visit,
): Promise<{ ok: true; next: NextStep } | Limited> {
  const takes = messageTakes(app, identifier, visit.from);
  const room = await takeFromLimits(app, takes);
  if (!room.ok) return room;
  const next = await orGiveBack(app, takes, () => sendOne(app, { identifier, pending, sentAgain }, visit));
  return { ok: true, next };
}

async function sendOne(
  app: Context,
  {
    identifier,
    pending,
    sentAgain,
  }: { identifier: Identifier; pending: ProveAddress['pending']; sentAgain: boolean },
  visit: Visit,
): Promise<NextStep> {
  const account = await findAccountByIdentifier(app, identifier);
  const taken = account?.contacts.some((known) => isProved(known, identifier)) ?? false;
  // Made in either case; where the address is taken nobody ever sees it.
  const about = codeIsAbout(visit, identifier);
  const { id, code, guessesLeft } = await issueContactCode(app, { purpose: 'sign_up', about, data: {} });
  if (guessesLeft === 0) return { at: 'start', notice: 'too_many_codes' };
  const { locale } = visit;
  if (taken) await sendMessage(app, { to: identifier, template: 'already_registered', locale });
  else await sendMessage(app, { to: identifier, template: 'sign_up_code', locale, values: { code } });
  return { at: 'prove_address', ...identifier, codeId: id, pending, sentAgain };
}

/** A code is good for the page and the address that it was asked for, and for no other (misuse case MF-07). */
export function codeIsAbout(
  { interactionUid }: Pick<Visit, 'interactionUid'>,
  { channel, address }: Pick<Identifier, 'channel' | 'address'>,
): string {
  return `${interactionUid} ${channel} ${address}`;
}

export function isProved(
  contact: { channel: string; address: string; verifiedAt: number | null },
  { channel, address }: Pick<Identifier, 'channel' | 'address'>,
): boolean {
  return contact.channel === channel && contact.address === address && contact.verifiedAt !== null;
}
