import { recordEvent } from '../audit/record.ts';
import { checkContactCode, issueContactCode } from '../credentials/contact-codes.ts';
import {
  listTextSteps,
  noteTextStepUsed,
  removeAllTextSteps,
  removeTextStep,
} from '../credentials/text-steps.ts';
import { refused } from '../kit/outcome.ts';
import { orGiveBack, type Take, takeFromLimits } from '../limits/limits.ts';
import { codeCameBack, messageTakes } from '../limits/message-budget.ts';
import { canText, sendMessage } from '../mail/message.ts';
import type { Services } from '../services.ts';
import type { Asked, KindContext, SecondStepKind } from './second-step-kinds.ts';

/** A code by text message to a proved number. Marked as weaker, and gone where the operator switched it off. */
export const textKind: SecondStepKind = {
  kind: 'text',
  turnsOn: true,
  standsAlone: true,
  async list(ctx, accountId) {
    if (!mayText(ctx.settings)) return [];
    const steps = await listTextSteps(ctx, accountId);
    return steps.map(({ id, address, createdAt, lastUsedAt }) => ({
      id,
      name: lastDigits(address),
      addedAt: createdAt,
      lastUsedAt,
      weak: true,
      address,
    }));
  },
  async begin(ctx, asked) {
    const takes = textTakes(ctx, asked);
    const room = await takeFromLimits(ctx, takes);
    if (!room.ok) return room;
    return await orGiveBack(ctx, takes, () => sendCode(ctx, asked));
  },
  async check(ctx, { kept, answer, ...asked }) {
    const id = kept['codeId'];
    if (typeof id !== 'string') return refused('expired');
    const code = answer['code'] ?? '';
    const checked = await checkContactCode(ctx, { ...codeFor(asked), id, code });
    if (!checked.ok) return checked;
    await noteTextStepUsed(ctx, asked.method.id);
    await codeCameBack(ctx, { channel: 'phone', address: asked.method.address ?? '' });
    return { ok: true, amr: ['sms'] };
  },
  remove: (tx, method) => removeTextStep(tx, method),
  removeAll: (tx, accountId) => removeAllTextSteps(tx, accountId),
};

/** Whether codes by text message are offered as a second step at all. */
export function mayText(settings: Services['settings']): boolean {
  return settings.TEXT_SECOND_STEP && canText(settings);
}

/**
 * As somebody sees it who only knows the password: enough to know one's own number by, and not to learn it. Digits stand
 * left to right in every language (UAX 9, LRI and PDI).
 */
export function lastDigits(address: string): string {
  return `\u2066•••• ${address.slice(-2)}\u2069`;
}

async function sendCode(ctx: KindContext, asked: Asked) {
  const { accountId, method, occasion } = asked;
  const { id, code, guessesLeft } = await issueContactCode(ctx, { ...codeFor(asked), data: {} });
  if (guessesLeft === 0) return refused('start_over');
  await recordEvent(ctx, { type: 'text_step.code_sent', accountId }, occasion.from);
  await sendMessage(ctx, {
    to: { channel: 'phone', written: method.address ?? '' },
    locale: occasion.locale,
    template: 'second_step_code',
    values: { code },
  });
  return { ok: true, kept: { codeId: id } } as const;
}

function codeFor({ accountId, method, occasion }: Asked) {
  const { purpose, boundTo } = occasion;
  return { purpose, about: `${boundTo} ${accountId} ${method.address}` };
}

/** What bounds the bill (misuse case MF-19): the account, the number, its neighbours, the sender's address, and all of us. */
function textTakes(ctx: KindContext, { accountId, method, occasion }: Asked): Take[] {
  return [
    { limit: 'text_by_account', key: accountId },
    ...messageTakes(ctx, { channel: 'phone', address: method.address ?? '' }, occasion.from),
  ];
}
