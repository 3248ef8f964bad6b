import { recordEvent } from '../audit/record.ts';
import {
  type Approval,
  addApproval,
  approvalsAreHeld,
  findApproval,
  takeApproval,
  withdrawApproval,
} from '../credentials/approvals.ts';
import { noteApprovalUsed } from '../credentials/two-step.ts';
import { days } from '../kit/durations.ts';
import { ownProofs } from '../kit/levels.ts';
import { refused } from '../kit/outcome.ts';
import { orGiveBack, type Take, takeFromLimits } from '../limits/limits.ts';
import { listSessions } from '../oidc/sessions.ts';
import type { Services } from '../services.ts';
import { notifyAccount } from './notify-account.ts';
import type { Asked, KindContext, SecondStepKind } from './second-step-kinds.ts';

/**
 * Approval on another device that is signed in (approve-sign-in.ts is the other half). Offered to who turned it on, while there
 * is another session that may approve. It never stands alone: who loses the other device must not be shut out by it.
 */
export const approvalKind: SecondStepKind = {
  kind: 'approval',
  turnsOn: false,
  standsAlone: false,
  async list(ctx, accountId, state) {
    const { approvalsAt, approvalUsedAt } = await state;
    if (approvalsAt === null || !ctx.settings.APPROVALS) return [];
    const sessions = await listSessions(ctx, accountId);
    const approvers = sessions.filter((one) => mayApprove(ctx, one)).map(({ uid }) => uid);
    if (approvers.length === 0) return [];
    return [
      { id: 'device', name: '', addedAt: approvalsAt, lastUsedAt: approvalUsedAt ?? undefined, approvers },
    ];
  },
  async begin(ctx, asked) {
    if (await approvalsAreHeld(ctx, asked.accountId)) return refused('unavailable');
    const takes: Take[] = [
      { limit: 'approval_by_account', key: asked.accountId },
      { limit: 'approval_by_address', key: asked.occasion.from.ip },
    ];
    const room = await takeFromLimits(ctx, takes);
    if (!room.ok) return room;
    return await orGiveBack(ctx, takes, () => ask(ctx, asked));
  },
  async ready(ctx, { accountId, kept, occasion }) {
    const approval = await approvalIn(ctx, { accountId, kept });
    if (approval?.boundTo !== occasion.boundTo) return 'expired';
    return approval.state === 'open' ? 'waiting' : approval.state === 'refused' ? 'refused' : 'ready';
  },
  async check(ctx, { accountId, kept, occasion }) {
    const id = idIn(kept);
    const { boundTo } = occasion;
    if (!id || !(await takeApproval(ctx, { accountId, id, boundTo }))) return refused('expired');
    await noteApprovalUsed(ctx, accountId);
    // RFC 8176: more than one communication channel.
    return { ok: true, amr: ['mca'] };
  },
  async leave(ctx, { accountId, kept }) {
    const id = idIn(kept);
    if (id) await withdrawApproval(ctx, { accountId, id });
  },
  remove: async () => false,
};

/** RFC 8176: what shows something that its owner holds. */
const inHand = ['otp', 'hwk', 'swk', 'sms'];

/**
 * Who may approve: a session in which the second step was given, by something in its owner's hands, and not too long ago. Not
 * one that was itself approved, or one stolen session would beget the next; not one that skipped the step as a trusted browser.
 */
export function mayApprove(
  { settings, clock }: Pick<Services, 'settings' | 'clock'>,
  { signedInAt, amr }: { signedInAt: number; amr: readonly string[] },
): boolean {
  const own = ownProofs(amr);
  if (!amr.includes('mfa') || !inHand.some((one) => own.includes(one))) return false;
  return clock.now() - signedInAt <= settings.TRUSTED_DEVICE_DAYS * days;
}

async function ask(ctx: KindContext, { accountId, occasion }: Asked) {
  const { boundTo, from, app, ownSession, locale } = occasion;
  const { ip, userAgent } = from;
  const approval = await addApproval(ctx, { accountId, boundTo, app, ownSession, ip, userAgent });
  const detail = { approval: approval.id };
  await recordEvent(ctx, { type: 'approval.asked', accountId, detail }, from);
  await notifyAccount(ctx, { accountId, pageLocale: locale, template: 'approval_asked' });
  const { id, number, expiresAt } = approval;
  return { ok: true, kept: { approvalId: id, number, expiresAt } } as const;
}

async function approvalIn(
  ctx: KindContext,
  { accountId, kept }: Pick<Asked, 'accountId'> & { kept: object },
): Promise<Approval | undefined> {
  const id = idIn(kept);
  return id ? await findApproval(ctx, { accountId, id }) : undefined;
}

function idIn(kept: { approvalId?: unknown }): string | undefined {
  return typeof kept.approvalId === 'string' ? kept.approvalId : undefined;
}
