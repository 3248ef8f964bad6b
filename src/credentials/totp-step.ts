import { createGuardrails, verify } from 'otplib';
import { epochSeconds } from '../kit/clock.ts';
import type { Services } from '../services.ts';
import { updateTwice } from '../store/once-more.ts';

/** Seconds a code shows. Its number, counted from the epoch, is the step (RFC 6238 section 4). */
export const period = 30;
// RFC 4226 section 4 wants 128 bits; secrets that an operator brings along from another system may have 80.
const guardrails = createGuardrails({ MIN_SECRET_BYTES: 10 });

/**
 * Answers whether this request was the first to use the step. A code stays right for its whole window, so whoever reads it
 * over a shoulder could use it too; taking a step once, and never an older one, is what makes it one-time (RFC 6238
 * section 5.2). One statement, so that of racing requests all but one are told no.
 */
export async function burnTotpStep(
  ctx: Pick<Services, 'settings' | 'db' | 'clock'>,
  { id, step }: { id: string; step: number },
): Promise<boolean> {
  const { db, clock } = ctx;
  return await updateTwice(ctx, (by) =>
    db
      .updateTable('totp_credentials')
      .set({ last_used_step: step, last_used_at: clock.now(), used_by: by })
      .where('id', '=', id)
      .where(({ or, and, eb }) =>
        or([eb('last_used_step', '<', step), and({ last_used_step: step, used_by: by })]),
      )
      .executeTakeFirst(),
  );
}

/** The time step whose code this is, among the current one and its two neighbours. */
export async function matchingStep(
  { clock }: Pick<Services, 'clock'>,
  secret: string,
  code: string,
): Promise<number | undefined> {
  const epoch = epochSeconds(clock);
  const result = await verify({ secret, token: code, epoch, period, epochTolerance: period, guardrails });
  return result.valid && 'timeStep' in result ? result.timeStep : undefined;
}
