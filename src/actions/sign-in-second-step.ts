import { recordEvent } from '../audit/record.ts';
import { verifyTotp } from '../credentials/totp.ts';
import { minutes } from '../kit/durations.ts';
import { type Outcome, refused } from '../kit/outcome.ts';
import { forgetFailures, giveBack, type Limited, orGiveBack, takeFromLimits } from '../limits/limits.ts';
import type { Services } from '../services.ts';
import type { RequestSource } from '../web/request-source.ts';
import { type NextStep, passGate, type SignInProgress } from './sign-in.ts';

type Context = Pick<Services, 'db' | 'clock' | 'live' | 'seals' | 'log' | 'metrics'>;
type SecondStep = Extract<SignInProgress, { at: 'second_step' }>;

/** Wrong codes one challenge bears; then the first factor is asked again (misuse case MF-01). */
export const mostWrongCodes = 5;

/**
 * The second factor. `wrong_code` also for a code that was used before. After five wrong codes, even a right one leads
 * back to the start. A sign-in whose password is known to somebody else shows itself as failures here: they are
 * recorded with the account, for its owner to see.
 */
export async function submitSecondStep(
  app: Context,
  { progress, code }: { progress: SecondStep; code: string },
  from: RequestSource,
): Promise<Outcome<{ next: NextStep }, 'wrong_code'> | Limited> {
  const { accountId, challenge, provedAt, remember } = progress;
  const failures = { limit: 'second_step_by_account', key: accountId } as const;
  const sender = { limit: 'second_step_by_address', key: from.ip } as const;
  const room = await takeFromLimits(app, [failures, sender]);
  if (!room.ok) return await failed(app, { accountId, reason: 'too_many_tries' }, from, room);
  if ((await countTry(app, challenge, 1)) > mostWrongCodes) {
    await failed(app, { accountId, reason: 'challenge_used_up' }, from, room);
    return { ok: true, next: { at: 'start', notice: 'too_many_codes' } };
  }
  const verified = await orGiveBack(app, [failures, sender], () =>
    judged(app, challenge, { accountId, code }),
  );
  // The authenticator was removed meanwhile, perhaps to put another in its place: begin again with what is true now.
  if (!verified.ok && verified.reason === 'not_enrolled')
    return { ok: true, next: { at: 'start', notice: 'start_over' } };
  if (!verified.ok)
    return await failed(app, { accountId, reason: verified.reason }, from, refused('wrong_code'));
  await giveBack(app, [sender]);
  await forgetFailures(app, failures);
  // RFC 8176: a password, a one-time code, and so several factors.
  const amr = ['pwd', 'otp', 'mfa'];
  return { ok: true, next: await passGate(app, { accountId, provedAt, amr, remember, from }) };
}

/** Counted before the code is looked at: a challenge bears five looks, however many come at once. */
async function countTry(
  { live }: Pick<Services, 'live'>,
  challenge: string,
  amount: 1 | -1,
): Promise<number> {
  const { count } = await live.count(`{challenge:${challenge}}:tries`, 20 * minutes, amount);
  return count;
}

/** A code that nobody could look at, for a store was down, is none of the five. */
async function judged(app: Context, challenge: string, typed: { accountId: string; code: string }) {
  try {
    return await verifyTotp(app, typed);
  } catch (error) {
    await countTry(app, challenge, -1).catch(() => undefined);
    throw error;
  }
}

async function failed<Answer>(
  app: Context,
  { accountId, reason }: { accountId: string; reason: string },
  from: RequestSource,
  answer: Answer,
): Promise<Answer> {
  app.metrics.signIns.inc({ outcome: 'second_step_refused' });
  const detail = { reason, method: 'totp' };
  await recordEvent(app, { type: 'account.second_step_failed', accountId, detail }, from);
  return answer;
}
