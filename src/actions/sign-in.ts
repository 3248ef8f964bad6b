/**
 * Signing in, up to the moment when the engine is told who it is.
 *
 * Password, second step, sign-up and reset are ONE `login` interaction of the engine, and these are its states:
 *
 *        ┌───────────── start over: too late, too many wrong codes, something changed meanwhile ─────────────┐
 *        ▼                                                                                                   │
 *      start ──── right password ─────────────────────────┬── enrolled ──► second_step ── right code ──┐     │
 *        │  └──── forgot ──► reset_code ──► new_password ─┤                                            ▼     │
 *        │                                                └── not enrolled ──────────────────────────► gate ─┤
 *        └─────── sign up ──► prove_address ── right code, account made ─────────────────────────────► │     │
 *                                                                                                      ├──► suspended
 *                                                                                                      └──► finished
 *
 * The progress lives in the engine's Interaction and nowhere else: it is bound to that interaction's cookie and ends
 * with it, so a half signed-in session does not exist. `finished` is never stored: interactions/continue-sign-in.ts
 * turns it into the engine's login result. Who jumps ahead to the resume URL finds no login there and is asked again.
 *
 * Each way in is a verb of its own: sign-in-password.ts, sign-in-second-step.ts, sign-up.ts, prove-address.ts,
 * reset-password.ts. All of them end in the one gate below.
 */
import { z } from 'zod';
import { type Account, findAccount } from '../accounts/account.ts';
import { recordEvent } from '../audit/record.ts';
import { findPassword } from '../credentials/password.ts';
import { listTotp } from '../credentials/totp.ts';
import { minutes } from '../kit/durations.ts';
import { newId } from '../kit/secrets.ts';
import type { Services } from '../services.ts';
import type { RequestSource } from '../web/request-source.ts';

const contact = { channel: z.enum(['email', 'phone']), address: z.string(), written: z.string() };

const signInProgress = z.discriminatedUnion('at', [
  z.object({
    at: z.literal('start'),
    /** Why the person is here again; the page has a sentence for each. */
    notice: z.enum(['start_over', 'too_many_codes', 'password_set', 'address_taken']).optional(),
  }),
  z.object({
    at: z.literal('second_step'),
    accountId: z.string(),
    /** The first factor was proved then: what changed after it makes the person start over. */
    provedAt: z.number(),
    remember: z.boolean(),
    /** Names this challenge, to count its wrong codes. */
    challenge: z.string(),
  }),
  z.object({
    at: z.literal('prove_address'),
    ...contact,
    codeId: z.string(),
    /** The account to be made. The progress is sealed, so a hash may wait in it; the password itself never does. */
    pending: z.object({ name: z.string(), hash: z.string(), pepperId: z.string().nullable() }),
    sentAgain: z.boolean(),
  }),
  z.object({
    at: z.literal('reset_code'),
    ...contact,
    codeId: z.string(),
    /** Missing when the address leads to no account: nobody was sent a code. */
    accountId: z.string().optional(),
    sentAgain: z.boolean(),
  }),
  z.object({ at: z.literal('new_password'), accountId: z.string(), ...contact, provedAt: z.number() }),
  z.object({ at: z.literal('suspended'), accountId: z.string() }),
]);

export type SignInProgress = z.output<typeof signInProgress>;
type Finished = { at: 'finished'; accountId: string; amr: string[]; remember: boolean };
/** Where a verb leads: a state to remember, or the end. */
export type NextStep = SignInProgress | Finished;

/** NIST SP 800-63B-4 section 2.2.2 has one authentication use both factors; a proof from before lunch is another one. */
const proofLife = 15 * minutes;

/** The state a page shows. What is not a progress of ours, or holds a proof that grew old, is the start. */
export function signInStep({ clock }: Pick<Services, 'clock'>, progress: unknown): SignInProgress {
  const parsed = signInProgress.safeParse(progress ?? { at: 'start' });
  if (!parsed.success) return { at: 'start' };
  const step = parsed.data;
  if ('provedAt' in step && clock.now() - step.provedAt > proofLife)
    return { at: 'start', notice: 'start_over' };
  return step;
}

type Gate = Pick<Services, 'db' | 'clock' | 'seals' | 'log' | 'metrics'>;

/** The first factor is proved: on to the second step where there is one, else to the gate. */
export async function afterFirstFactor(
  app: Gate,
  { accountId, remember, from }: { accountId: string; remember: boolean; from: RequestSource },
): Promise<NextStep> {
  const provedAt = app.clock.now();
  const enrolled = (await listTotp(app, accountId)).length > 0;
  if (!enrolled) return await passGate(app, { accountId, provedAt, amr: ['pwd'], remember, from });
  app.metrics.signIns.inc({ outcome: 'second_step_asked' });
  return { at: 'second_step', accountId, provedAt, remember, challenge: newId() };
}

/**
 * All factors are proved; is the account still what it was when the first one was? Suspension is told here and not
 * before: to somebody who only guesses, a suspended account must look like any other (misuse case SI-23).
 */
export async function passGate(
  app: Gate,
  entry: { accountId: string; provedAt: number; amr: string[]; remember: boolean; from: RequestSource },
): Promise<NextStep> {
  const { accountId, provedAt, amr, remember, from } = entry;
  const account = await findAccount(app, accountId);
  if (!account || (await changedSince(app, account, provedAt))) return { at: 'start', notice: 'start_over' };
  if (account.suspendedAt !== null) {
    app.metrics.signIns.inc({ outcome: 'suspended' });
    await recordEvent(
      app,
      { type: 'account.sign_in_failed', accountId, detail: { reason: 'suspended' } },
      from,
    );
    return { at: 'suspended', accountId };
  }
  app.metrics.signIns.inc({ outcome: 'signed_in' });
  await recordEvent(app, { type: 'account.signed_in', accountId, detail: { amr, remember } }, from);
  return { at: 'finished', accountId, amr, remember };
}

/** A lock, a new password or "sign out everywhere" between the two factors ends what was begun before it. */
async function changedSince(
  { db }: Pick<Services, 'db'>,
  account: Account,
  provedAt: number,
): Promise<boolean> {
  if (account.lockedAt !== null) return true;
  if ((account.signedOutBefore ?? 0) > provedAt) return true;
  return ((await findPassword({ db }, account.id))?.changedAt ?? 0) > provedAt;
}
