/**
 * Signing in, up to the moment when the engine is told who it is.
 *
 * Password, second step, sign-up and reset are ONE `login` interaction of the engine, and these are its states:
 *
 *        ┌───────────── start over: too late, too many wrong codes, something changed meanwhile ─────────────┐
 *        ▼                                                                                                   │
 *      start ──── right password ─────────────────────► proved ──┬── asked ──► second_step ── proof ───┐     │
 *        │  └──── forgot ──► reset_code ──► new_password ──┘ ▲   │             (any method, by choice) │     │
 *        │                                                   │   │                                     ▼     │
 *        └─────── sign up ──► prove_address ── right code ───┘   └── not asked, or this device ─────► gate ──┤
 *                                                                    is trusted                        │     │
 *              (without a second step, an unusual sign-in is asked for a code first: risk_check)          ├──► suspended, locked
 *              (a password that attackers know is changed here: known_password, and back to the gate)     │
 *                                                                                                      └──► finished
 *
 * The progress lives in the engine's Interaction and nowhere else: it is bound to that interaction's cookie and ends
 * with it, so a half signed-in session does not exist. `proved` and `finished` are never stored:
 * interactions/continue-sign-in.ts asks `whatIsStillNeeded` about the one and turns the other into the engine's login
 * result. Who jumps ahead to the resume URL finds no login there and is asked again.
 *
 * Each way in is a verb of its own: sign-in-password.ts, sign-in-second-step.ts, sign-up.ts, prove-address.ts,
 * reset-password.ts. Each says what it has proved (`afterFirstFactor`); what is still needed is said here and nowhere else;
 * all of them end in the one gate, pass-gate.ts.
 */
import { z } from 'zod';
import { minutes } from '../kit/durations.ts';
import { type Level, levelOf } from '../kit/levels.ts';
import { newId } from '../kit/secrets.ts';
import type { Generation } from '../oidc/endings.ts';
import type { Services } from '../services.ts';
import type { RequestSource } from '../web/request-source.ts';
import type { Locale } from '../web/words.ts';
import { beginSecondStep } from './begin-second-step.ts';
import { passGate } from './pass-gate.ts';
import { raising } from './raising.ts';
import { riskNow } from './risk.ts';
import { beginRiskCheck } from './risk-check.ts';
import { riskSigns } from './risk-rules.ts';
import type { KindContext, SecondStepMethod } from './second-step-kinds.ts';
import { twoStepOf } from './second-step-methods.ts';
import { readStanding, type Standing } from './standing.ts';
import { passAsTrustedDevice } from './trusted-device-pass.ts';

/** The password that was right is on the list of those that attackers try first: another one is set before the end. */
const passwordKnown = z.boolean().optional();

const contact = { channel: z.enum(['email', 'phone']), address: z.string(), written: z.string() };

const finished = z.object({
  at: z.literal('finished'),
  accountId: z.string(),
  amr: z.array(z.string()),
  /** Of a session that only proves more (step-up.ts): when it signed in. */
  signedInAt: z.number().optional(),
  remember: z.boolean(),
  /** The browser is trusted from now on; its cookie goes with the answer. */
  device: z.object({ id: z.string(), token: z.string(), expiresAt: z.number() }).optional(),
  /** From before the gate: an ending since then makes this no session. */
  generation: z.string().optional(),
});

const signInProgress = z.discriminatedUnion('at', [
  z.object({
    at: z.literal('start'),
    /** Whom they chose in the account chooser; it proves nothing. */
    chosen: z.string().optional(),
    /** Why the person is here again; the page has a sentence for each. */
    notice: z
      .enum(['start_over', 'too_many_codes', 'password_set', 'address_taken', 'approval_refused'])
      .optional(),
  }),
  z.object({
    at: z.literal('second_step'),
    accountId: z.string(),
    /** The first factor was proved then: what changed after it makes the person start over. */
    provedAt: z.number(),
    remember: z.boolean(),
    /** How it was proved (RFC 8176). */
    amr: z.array(z.string()).default(['pwd']),
    /** Names this challenge, to count its wrong codes; it stays when another method is chosen. */
    challenge: z.string(),
    /** The method that is asked for, `<kind>.<id>`; missing when the account has none that may be used now. */
    method: z.string().optional(),
    /** What the method's kind keeps until the answer comes. */
    kept: z.record(z.string(), z.unknown()).default({}),
    /** Why the method could not be begun. */
    trouble: z.enum(['limited', 'unavailable']).optional(),
    sentAgain: z.boolean().default(false),
    /** Of a session that only proves more (step-up.ts): when it signed in, and the level that it is to reach. */
    signedInAt: z.number().optional(),
    reach: z.number().optional(),
    passwordKnown,
    /** The address whose code reset the password just now: no second step by the same address. */
    resetBy: z.string().optional(),
    /** The session of whoever is signed in on this browser: it approves nothing here. */
    ownSession: z.string().optional(),
  }),
  z.object({
    at: z.literal('prove_address'),
    ...contact,
    codeId: z.string(),
    /** The account to be made. The progress is sealed, so a hash may wait in it; the password itself never does. */
    pending: z.object({
      /** What it will be called; missing where a server of before this one wrote it. */
      accountId: z.string().optional(),
      name: z.string(),
      hash: z.string(),
      pepperId: z.string().nullable(),
    }),
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
  z.object({
    at: z.literal('risk_check'),
    accountId: z.string(),
    provedAt: z.number(),
    remember: z.boolean(),
    amr: z.array(z.string()),
    signs: z.array(z.enum(riskSigns)),
    passwordKnown,
    ...contact,
    /** Missing when no code could be sent now. */
    codeId: z.string().optional(),
    sentAgain: z.boolean(),
  }),
  /** Everything is proved; the password is to be another one before the end (change-known-password.ts). */
  z.object({
    at: z.literal('known_password'),
    accountId: z.string(),
    provedAt: z.number(),
    remember: z.boolean(),
    amr: z.array(z.string()),
    newBrowser: z.boolean().optional(),
  }),
  /** Everything is proved, and the account is stopped: only now may it be told. */
  z.object({ at: z.enum(['suspended', 'locked']), accountId: z.string() }),
  /** Everything is proved; a passkey for next time is offered before the engine is told (offer-passkey.ts). */
  z.object({ at: z.literal('passkey_offer'), finished, provedAt: z.number(), quiet: z.boolean() }),
]);

export type SignInProgress = z.output<typeof signInProgress>;
export type RiskCheckProgress = Extract<SignInProgress, { at: 'risk_check' }>;
export type KnownPasswordProgress = Extract<SignInProgress, { at: 'known_password' }>;
export type SecondStepProgress = Extract<SignInProgress, { at: 'second_step' }>;
/** The first factor, or with `mfa` in amr all of them. */
export type Proved = {
  at: 'proved';
  accountId: string;
  provedAt: number;
  amr: string[];
  remember: boolean;
  resetBy?: string;
  passwordKnown?: boolean;
  /** Where it was read since (standing.ts). */
  generation?: { read: Generation };
};
export type Finished = z.output<typeof finished>;
/** Where a verb leads: a state to remember, a proof to look at, or the end. */
export type NextStep = SignInProgress | Proved | Finished;

/** The visit in which somebody proves who they are: what the second step is bound to, and what the browser brought. */
export type Entry = {
  interactionUid: string;
  locale: Locale;
  from: RequestSource;
  /** Trusted-device cookies, whosever they are. */
  deviceTokens: readonly string[];
  /** The app asks for a fresh proof or a higher level: a trusted device is not enough (RFC 9470). */
  stepUp: boolean;
  /** The least that would do for the app (src/kit/levels.ts). */
  level: Level;
  /** The app's name as the page shows it; missing for our own account pages. */
  app?: string | undefined;
  /** The session of whoever is signed in on this browser. */
  ownSession?: string | undefined;
};

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

/** What a way in says when it is through: who, how, and since when. */
export function afterFirstFactor(
  { clock }: Pick<Services, 'clock'>,
  {
    accountId,
    remember,
    amr = ['pwd'],
    resetBy,
    passwordKnown,
    generation,
    provedAt = clock.now(),
  }: {
    accountId: string;
    remember: boolean;
    /** From before what it was proved by was read, where that took its time. */
    provedAt?: number;
    amr?: string[];
    resetBy?: string;
    passwordKnown?: boolean;
    generation?: { read: Generation } | undefined;
  },
): Proved {
  const known = { ...(passwordKnown && { passwordKnown }), ...(generation && { generation }) };
  return { at: 'proved', accountId, provedAt, amr, remember, ...(resetBy && { resetBy }), ...known };
}

/**
 * The one place that decides. Several factors at once (a passkey that verified its user) pass the gate; so does one factor
 * where no second is asked, or where this browser is trusted and nobody asked for more. Everybody else gets a second step.
 */
export async function whatIsStillNeeded(
  app: KindContext & Pick<Services, 'places'>,
  proved: Proved,
  entry: Entry,
  given?: { standing: Standing | undefined },
): Promise<Finished | SignInProgress> {
  const { accountId, provedAt, amr, remember, resetBy, passwordKnown } = proved;
  const { standing } = given ?? {
    standing: await readStanding(app, { accountId, browser: entry.from.browser }),
  };
  if (!standing) return { at: 'start', notice: 'start_over' };
  const pass = { ...proved, from: entry.from, standing };
  const { level, ownSession } = entry;
  if (amr.includes('mfa') && levelOf(amr) >= level) return await passGate(app, pass);
  if (levelOf(amr) >= level && !standing.asksForSecondStep)
    return await whatRiskNeeds(app, { proved, standing }, entry);
  const { on, methods } = await twoStepOf(app, accountId);
  const usable = methods.filter((method) => isAnotherFactor(method, { amr, resetBy, ownSession }));
  const better = raising(usable, { amr, level });
  // A level that nobody could reach keeps nobody out here: the engine comes back, and a page says so (interactions/step-up.ts).
  if (better.length === 0 && amr.includes('mfa')) return await passGate(app, pass);
  if (better.length === 0 && !on) return await whatRiskNeeds(app, { proved, standing }, entry);
  if (!entry.stepUp && (await passAsTrustedDevice(app, { accountId, entry })))
    return await passGate(app, { ...pass, trustedDevice: true });
  app.metrics.signIns.inc({ outcome: 'second_step_asked' });
  const asked = { at: 'second_step', accountId, provedAt, amr, remember, challenge: newId() } as const;
  const kept = { kept: {}, sentAgain: false, ...(resetBy && { resetBy }), ...(ownSession && { ownSession }) };
  const progress = { ...asked, ...kept, ...(passwordKnown && { passwordKnown }) };
  const [method] = [...better, ...usable];
  return await beginSecondStep(app, { progress, method }, entry);
}

/**
 * Without a second step the password is all there is. From an unknown browser, and with an unusual sign, a code that is sent
 * to a proved address is asked for too. Not where that was the way in just now (sign-up, a reset), nor after a passkey.
 */
async function whatRiskNeeds(
  app: KindContext & Pick<Services, 'places'>,
  { proved, standing }: { proved: Proved; standing: Standing },
  entry: Entry,
): Promise<Finished | SignInProgress> {
  const { accountId, amr, resetBy, passwordKnown } = proved;
  const { from } = entry;
  const { newBrowser, signs } = await riskNow(app, { accountId, from, standing, passwordKnown });
  const asks = signs.length > 0 && amr.includes('pwd') && resetBy === undefined;
  const asked = asks ? await beginRiskCheck(app, { proved, signs }, entry) : undefined;
  return asked ?? (await passGate(app, { ...proved, from, newBrowser, standing }));
}

/**
 * A second step is another factor than the first: after a reset by a number no code to that number, after a passkey that
 * counts for one factor no passkey. And an approval comes from another browser.
 */
export function isAnotherFactor(
  { kind, address, approvers = [] }: Pick<SecondStepMethod, 'kind' | 'address' | 'approvers'>,
  {
    amr,
    resetBy,
    ownSession,
  }: { amr: readonly string[]; resetBy?: string | undefined; ownSession?: string | undefined },
): boolean {
  if (kind === 'passkey') return !amr.includes('hwk') && !amr.includes('swk');
  if (kind === 'approval') return approvers.some((uid) => uid !== ownSession);
  return address === undefined || address !== resetBy;
}
