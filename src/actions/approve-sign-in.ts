import { recordEvent } from '../audit/record.ts';
import { addAlarm } from '../credentials/alarms.ts';
import { type Approval, decideApproval, findApproval, isItsNumber } from '../credentials/approvals.ts';
import { type Outcome, refused } from '../kit/outcome.ts';
import type { Limited } from '../limits/limits.ts';
import type { RequestSource } from '../web/request-source.ts';
import type { Locale } from '../web/words.ts';
import { dropTrustedDevices } from './drop-trusted-devices.ts';
import { freshProof, type ProvingSession } from './fresh-proof.ts';
import { notifyAccount } from './notify-account.ts';
import { mayApprove } from './second-step-approval.ts';
import type { KindContext } from './second-step-kinds.ts';
import { giveOneTryBack, orGiveTryBack, takeOneTry, toLimited } from './tries.ts';

/**
 * The other half of an approval: what is done on the device that is signed in. Seeing a request is for any session of the
 * account, approving it for one that showed the second step by itself, or does so now.
 */
type Deciding = { accountId: string; session: ProvingSession; id: string; locale: Locale };
type NotHere = 'unknown' | 'this_browser' | 'proof_needed';

/** What this session may decide. `this_browser`: it is the one that waits. `proof_needed`: by a fresh proof it may. */
export async function findApprovable(
  ctx: KindContext,
  { accountId, session, id }: Pick<Deciding, 'accountId' | 'session' | 'id'>,
): Promise<Outcome<{ approval: Approval }, NotHere>> {
  const approval = await findApproval(ctx, { accountId, id });
  if (approval?.state !== 'open') return refused('unknown');
  if (approval.ownSession === session.uid) return refused('this_browser');
  if (mayApprove(ctx, session)) return { ok: true, approval };
  const proof = await freshProof(ctx, { accountId, session });
  if (proof.ok) return { ok: true, approval };
  // While changes are held back, no proof given here is good: what may approve by itself still may.
  return refused(proof.reason === 'frozen' ? 'unknown' : 'proof_needed');
}

/**
 * Lets the sign-in go on if the number is the one on its page. A wrong one refuses it for good, and counts among the wrong tries
 * at the account: who types at random what they do not see gets one guess for each sign-in.
 */
export async function approveSignIn(
  ctx: KindContext,
  { accountId, session, id, number, locale }: Deciding & { number: string },
  from: RequestSource,
): Promise<Outcome<object, NotHere | 'wrong_number' | 'off'> | Limited> {
  const found = await findApprovable(ctx, { accountId, session, id });
  if (!found.ok) return found;
  const wanted = { proof: 'second_step', subject: { account: accountId } } as const;
  const taken = await takeOneTry(ctx, wanted, from);
  if (!taken.ok) return taken.off ? refused('off') : toLimited(taken);
  const counted = { taken, browser: from.browser };
  const who = { accountId, session, id, locale };
  return await orGiveTryBack(ctx, wanted, counted, async () => {
    if (!isItsNumber(found.approval, number)) return await refuse(ctx, { ...who, why: 'wrong_number' }, from);
    await giveOneTryBack(ctx, wanted, counted);
    if (!(await decideApproval(ctx, { accountId, id, state: 'approved' }))) return refused('unknown');
    const event = { accountId, sessionUid: session.uid, detail: { approval: id } };
    await recordEvent(ctx, { type: 'approval.given', ...event }, from);
    await notifyAccount(ctx, { accountId, pageLocale: locale, template: 'approval_given' });
    return { ok: true };
  });
}

/**
 * "No": somebody who is not the owner has got past the first factor. No browser is trusted any more, nobody may ask for an
 * approval for an hour, and the page leads to "It wasn't me". For any session of the account: saying no needs no proof.
 */
export async function refuseSignIn(
  ctx: KindContext,
  who: Deciding,
  from: RequestSource,
): Promise<Outcome<object, 'unknown'>> {
  const refusal = await refuse(ctx, { ...who, why: 'person' }, from);
  if (refusal.reason === 'unknown') return refused('unknown');
  await dropTrustedDevices(ctx, { accountId: who.accountId, reason: 'high_risk' }, from);
  return { ok: true };
}

/** The way from the refusal to "It wasn't me": the same link as in a notice, for who is signed in here. */
export async function alarmAfterRefusal(
  ctx: Pick<KindContext, 'db' | 'clock'>,
  { accountId }: { accountId: string },
): Promise<string> {
  return await addAlarm(ctx, { accountId, about: 'approval_refused' });
}

async function refuse(
  ctx: KindContext,
  { accountId, session, id, locale, why }: Deciding & { why: 'person' | 'wrong_number' },
  from: RequestSource,
): Promise<{ ok: false; reason: 'wrong_number' | 'unknown' }> {
  const held = why === 'person';
  if (!(await decideApproval(ctx, { accountId, id, state: 'refused', held }))) return refused('unknown');
  const event = { accountId, sessionUid: session.uid, detail: { approval: id, reason: why } };
  await recordEvent(ctx, { type: 'approval.refused', ...event }, from);
  await notifyAccount(ctx, { accountId, pageLocale: locale, template: 'approval_refused' });
  return refused('wrong_number');
}
