import { findAccount } from '../accounts/account.ts';
import { proveContact } from '../accounts/contacts.ts';
import { type Identifier, parseIdentifier } from '../accounts/identifier.ts';
import { recordEvent } from '../audit/record.ts';
import { checkContactCode, contactCodeLifeMs, issueContactCode } from '../credentials/contact-codes.ts';
import { addTextStep, listTextSteps } from '../credentials/text-steps.ts';
import { changeTwoStep, turnOn } from '../credentials/two-step.ts';
import { type Outcome, refused } from '../kit/outcome.ts';
import { type Limited, orGiveBack, type Take, takeFromLimits } from '../limits/limits.ts';
import { codeCameBack, messageTakes, textsReach } from '../limits/message-budget.ts';
import { sendMessage } from '../mail/message.ts';
import type { Services } from '../services.ts';
import type { LiveEntry, LiveKey } from '../store/live.ts';
import type { RequestSource } from '../web/request-source.ts';
import type { Locale } from '../web/words.ts';
import { afterEnrolment } from './after-enrolment.ts';
import { endAccessOfDisplaced } from './end-all-access.ts';
import { signOutOthers } from './end-other-sessions.ts';
import type { KindContext } from './second-step-kinds.ts';
import { mayText } from './second-step-text.ts';
import { isProved } from './sign-up.ts';

/**
 * Codes by text message as a second step, in two requests: a code is sent to the number, and comes back. Also to a number
 * that was proved before, for it may have changed hands since. A new one is proved by it, and is a contact of the account.
 */
const mostNumbers = 3;

type Who = { accountId: string; sessionUid: string };
type Waiting = Identifier & { codeId: string };
export type TextRefusal = 'switched_off' | 'not_a_number' | 'too_many' | 'already_added' | 'too_many_codes';

export async function beginText(
  ctx: KindContext,
  { accountId, sessionUid, number, locale }: Who & { number: string; locale: Locale },
  from: RequestSource,
): Promise<Outcome<object, TextRefusal> | Limited> {
  const checked = await checkNumber(ctx, { accountId, number });
  if (!checked.ok) return checked;
  const { identifier } = checked;
  const takes: Take[] = [
    { limit: 'text_by_account', key: accountId },
    ...messageTakes(ctx, identifier, from),
  ];
  const room = await takeFromLimits(ctx, takes);
  if (!room.ok) return room;
  return await orGiveBack(ctx, takes, async () => {
    const about = codeIsFor({ accountId, sessionUid }, identifier);
    const issued = await issueContactCode(ctx, { purpose: 'text_step', about, data: {} });
    if (issued.guessesLeft === 0) return refused('too_many_codes');
    const waiting: Waiting = { ...identifier, codeId: issued.id };
    const value = ctx.seals.seal('text-step-waiting', JSON.stringify(waiting));
    const key = waitingKey({ accountId, sessionUid });
    await ctx.live.commit([{ do: 'put', key, value, ttlMs: contactCodeLifeMs }]);
    const values = { code: issued.code };
    await sendMessage(ctx, { to: identifier, locale, template: 'second_step_code', values });
    return { ok: true };
  });
}

/** The number that a code was sent to in this session, and that is not added yet. */
export async function waitingNumber(
  ctx: Pick<Services, 'live' | 'seals'>,
  who: Who,
): Promise<Waiting | undefined> {
  const found = await readWaiting(ctx, who);
  return found?.entry.consumedBy === undefined ? found?.waiting : undefined;
}

/** Used up it stays for a moment, so that a repetition is known. */
async function readWaiting(
  { live, seals }: Pick<Services, 'live' | 'seals'>,
  who: Who,
): Promise<{ entry: LiveEntry; waiting: Waiting } | undefined> {
  const [entry] = await live.read([waitingKey(who)]);
  return entry && { entry, waiting: JSON.parse(seals.open('text-step-waiting', entry.value)) };
}

/** Turns it on once the code came back, and ends every other session: they came in without this second step. */
export async function enrolText(
  ctx: KindContext,
  { accountId, sessionUid, code, locale }: Who & { code: string; locale: Locale },
  from: RequestSource,
): Promise<Outcome<object, 'wrong_code' | 'expired' | 'address_taken'> | Limited> {
  const found = await readWaiting(ctx, { accountId, sessionUid });
  if (!found) return refused('expired');
  const { entry, waiting } = found;
  const added = { accountId, sessionUid, value: entry.value, locale };
  const known = await addedStep(ctx, accountId, waiting);
  // Who posts it again, having been told that a store is away, finds it done: here, or by the one who added it.
  if (known && entry.consumedBy === undefined) await afterText(ctx, { ...added, id: known.id }, from);
  if (known || entry.consumedBy !== undefined) return known ? { ok: true } : refused('expired');
  const room = await takeFromLimits(ctx, [{ limit: 'code_guess_by_address', key: from.ip }]);
  if (!room.ok) return room;
  const about = codeIsFor({ accountId, sessionUid }, waiting);
  const given = { purpose: 'text_step', about, id: waiting.codeId, code } as const;
  const checked = await checkContactCode(ctx, given);
  if (!checked.ok) return checked;
  await codeCameBack(ctx, waiting);
  const contactId = await provedContact(ctx, { accountId, waiting }, from);
  if (!contactId) return refused('address_taken');
  const id = await changeTwoStep(ctx, accountId, async (tx) => {
    await turnOn(tx, accountId, ctx.clock.now());
    await signOutOthers(ctx, tx, { accountId, except: sessionUid });
    return await addTextStep(tx, { accountId, contactId, now: ctx.clock.now() });
  });
  await afterText(ctx, { ...added, id, amr: ['sms'] }, from);
  return { ok: true };
}

type AddedText = Who & { id: string; value: string; amr?: readonly string[]; locale: Locale };

function afterText(
  ctx: KindContext,
  { accountId, sessionUid, id, value, amr, locale }: AddedText,
  from: RequestSource,
): Promise<void> {
  const who = { accountId, sessionUid };
  const event = { type: 'text_step.enrolled', ...who, detail: { method: id } } as const;
  const used = { key: waitingKey(who), value };
  return afterEnrolment(ctx, { ...who, used, amr, event, template: 'text_step_added', locale }, from);
}

async function checkNumber(
  ctx: KindContext,
  { accountId, number }: { accountId: string; number: string },
): Promise<Outcome<{ identifier: Identifier }, TextRefusal>> {
  const parsed = parseIdentifier(number, { region: ctx.settings.DEFAULT_PHONE_REGION });
  if (!mayText(ctx.settings)) return refused('switched_off');
  if (!parsed.ok || parsed.channel !== 'phone') return refused('not_a_number');
  if (!textsReach(ctx.settings, parsed.address)) return refused('not_a_number');
  if (await addedStep(ctx, accountId, parsed)) return refused('already_added');
  if ((await listTextSteps(ctx, accountId)).length >= mostNumbers) return refused('too_many');
  const { channel, address, written } = parsed;
  return { ok: true, identifier: { channel, address, written } };
}

async function addedStep(
  ctx: KindContext,
  accountId: string,
  { address: wanted }: Pick<Identifier, 'address'>,
) {
  return (await listTextSteps(ctx, accountId)).find(({ address }) => address === wanted);
}

/** Of a number that another account proved before, nothing. */
async function provedContact(
  ctx: KindContext,
  { accountId, waiting }: { accountId: string; waiting: Waiting },
  from: RequestSource,
): Promise<string | undefined> {
  const { channel, address, written } = waiting;
  const known = await contactId(ctx, accountId, waiting);
  if (known) return known;
  const proved = await proveContact(ctx, { accountId, contact: { channel, address, written } });
  if (!proved.ok) return undefined;
  await endAccessOfDisplaced(ctx, proved.displaced);
  await recordEvent(ctx, { type: 'contact.proved', accountId, detail: { channel } }, from);
  return await contactId(ctx, accountId, waiting);
}

async function contactId(ctx: KindContext, accountId: string, identifier: Identifier) {
  const account = await findAccount(ctx, accountId);
  return account?.contacts.find((one) => isProved(one, identifier))?.id;
}

function codeIsFor({ accountId, sessionUid }: Who, { address }: Pick<Identifier, 'address'>): string {
  return `${sessionUid} ${accountId} ${address}`;
}

function waitingKey({ accountId, sessionUid }: Who): LiveKey {
  return `{account ${accountId}}:text-step:${sessionUid}`;
}
