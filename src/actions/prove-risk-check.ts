import { recordEvent } from '../audit/record.ts';
import { checkContactCode } from '../credentials/contact-codes.ts';
import type { Outcome } from '../kit/outcome.ts';
import { type Limited, takeFromLimits } from '../limits/limits.ts';
import { codeCameBack } from '../limits/message-budget.ts';
import { passGate } from './pass-gate.ts';
import { riskCodeFor } from './risk-check.ts';
import type { KindContext } from './second-step-kinds.ts';
import type { Entry, NextStep, RiskCheckProgress } from './sign-in.ts';

/** The code that was asked for (risk-check.ts). `amr` stays what it was: nothing but the password was proved. */
export async function proveRiskCheck(
  app: KindContext,
  { progress, code }: { progress: RiskCheckProgress; code: string },
  entry: Entry,
): Promise<Outcome<{ next: NextStep }, 'wrong_code' | 'expired'> | Limited> {
  const { accountId, provedAt, remember, amr, channel, passwordKnown, codeId: id = '' } = progress;
  const room = await takeFromLimits(app, [{ limit: 'code_guess_by_address', key: entry.from.ip }]);
  if (!room.ok) return room;
  const checked = await checkContactCode(app, { ...riskCodeFor(progress, entry), id, code });
  if (!checked.ok) {
    const detail = { reason: checked.reason, channel };
    await recordEvent(app, { type: 'risk_check.failed', accountId, detail }, entry.from);
    return checked;
  }
  await codeCameBack(app, progress);
  await recordEvent(app, { type: 'risk_check.passed', accountId, detail: { channel } }, entry.from);
  const passed = { accountId, provedAt, amr, remember, passwordKnown, from: entry.from, newBrowser: true };
  return { ok: true, next: await passGate(app, passed) };
}
