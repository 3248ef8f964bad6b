import { findAccount } from '../accounts/account.ts';
import { recordEvent } from '../audit/record.ts';
import { issueContactCode } from '../credentials/contact-codes.ts';
import { type Limited, orGiveBack, takeFromLimits } from '../limits/limits.ts';
import { messageTakes } from '../limits/message-budget.ts';
import { canText, sendMessage } from '../mail/message.ts';
import type { RiskSign } from './risk-rules.ts';
import type { KindContext } from './second-step-kinds.ts';
import type { Entry, NextStep, Proved, RiskCheckProgress } from './sign-in.ts';

/**
 * The code that an unusual sign-in is asked for (risk-rules.ts says what is unusual). It is no second factor and `amr` does not
 * say that there was one: whoever reads the mailbox could reset the password too. It makes a password that leaked by itself
 * worth less. Two-step verification takes its place altogether.
 *
 * Undefined for an account without a proved address: there is nowhere to send a code to, and shutting such an account would let
 * an attacker do that from afar. It stands in the audit record.
 */
export async function beginRiskCheck(
  app: KindContext,
  { proved, signs }: { proved: Proved; signs: RiskSign[] },
  entry: Entry,
): Promise<RiskCheckProgress | undefined> {
  const { accountId, provedAt, remember, amr, passwordKnown } = proved;
  const contact = await contactOf(app, accountId);
  const noted = { accountId, detail: { signs, channel: contact?.channel } };
  if (!contact) {
    await recordEvent(app, { type: 'risk_check.skipped', accountId, detail: { signs } }, entry.from);
    return undefined;
  }
  app.metrics.signIns.inc({ outcome: 'risk_check_asked' });
  await recordEvent(app, { type: 'risk_check.asked', ...noted }, entry.from);
  const known = passwordKnown && { passwordKnown };
  const progress = {
    at: 'risk_check',
    accountId,
    provedAt,
    remember,
    amr,
    signs,
    ...known,
    ...contact,
  } as const;
  const sent = await sendCode(app, { ...progress, sentAgain: false }, entry);
  return sent.ok ? sent.next : { ...progress, sentAgain: false };
}

/** Another code to the same address; the one before is dead. */
export async function sendRiskCodeAgain(
  app: KindContext,
  { progress }: { progress: RiskCheckProgress },
  entry: Entry,
): Promise<{ ok: true; next: NextStep } | Limited> {
  return await sendCode(app, { ...progress, sentAgain: true }, entry);
}

async function sendCode(
  app: KindContext,
  progress: RiskCheckProgress,
  entry: Entry,
): Promise<{ ok: true; next: NextStep & RiskCheckProgress } | Limited> {
  const takes = messageTakes(app, progress, entry.from);
  const room = await takeFromLimits(app, takes);
  if (!room.ok) return room;
  return await orGiveBack(app, takes, async () => {
    const { id, code, guessesLeft } = await issueContactCode(app, {
      ...riskCodeFor(progress, entry),
      data: {},
    });
    const { codeId: _before, ...rest } = progress;
    // The hour's guesses are used up: nothing is sent, and the page says that no code is good any more.
    if (guessesLeft === 0) return { ok: true, next: rest };
    const { channel, written } = progress;
    const told = { template: 'risk_code', values: { code } } as const;
    await sendMessage(app, { to: { channel, written }, locale: entry.locale, ...told });
    return { ok: true, next: { ...rest, codeId: id } };
  });
}

/** A mailbox before a number: a message to it costs nothing and tells nobody where its owner is. */
async function contactOf(app: KindContext, accountId: string) {
  const account = await findAccount(app, accountId);
  const proved = account?.contacts.filter(({ verifiedAt }) => verifiedAt !== null) ?? [];
  const mailbox = proved.find(({ channel }) => channel === 'email');
  const number = canText(app.settings) ? proved.find(({ channel }) => channel === 'phone') : undefined;
  const found = mailbox ?? number;
  return found && { channel: found.channel, address: found.address, written: found.written };
}

/** What a code is good for: this sign-in, account and address. */
export function riskCodeFor(
  { accountId, address }: Pick<RiskCheckProgress, 'accountId' | 'address'>,
  { interactionUid }: Pick<Entry, 'interactionUid'>,
) {
  return { purpose: 'risk', about: `${interactionUid} ${accountId} ${address}` } as const;
}
