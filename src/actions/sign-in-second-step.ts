import { recordEvent } from '../audit/record.ts';
import { type Outcome, refused } from '../kit/outcome.ts';
import type { Limited } from '../limits/limits.ts';
import { beginSecondStep, signInOccasion } from './begin-second-step.ts';
import { passGate } from './pass-gate.ts';
import { reaches } from './raising.ts';
import {
  type CheckRefusal,
  type KindContext,
  kindNamed,
  type Readiness,
  type SecondStepMethod,
  secondStepKinds,
} from './second-step-kinds.ts';
import { methodNamed, secondStepMethods } from './second-step-methods.ts';
import { type TryRefusal, trySecondStep } from './second-step-tries.ts';
import { type Entry, isAnotherFactor, type NextStep, type SecondStepProgress } from './sign-in.ts';
import { trustDevice } from './trust-device.ts';
import { warnOfGuesses } from './warn-of-guesses.ts';

type Next = { ok: true; next: NextStep };
type Given = {
  progress: SecondStepProgress;
  /** The form's fields; the method's kind knows which. */
  answer: Record<string, string>;
  trustDevice?: boolean;
};
export type SecondStepRefusal = 'wrong_code' | 'expired' | 'off' | 'waiting';
type Refused = TryRefusal<{ ok: false; reason: CheckRefusal }>;

/**
 * The second factor, by the method that was chosen. `wrong_code` also for a code that was used before. After five wrong
 * answers, of whichever methods, even a right one leads back to the start. A sign-in whose password is known to somebody else
 * shows itself as failures here: they are recorded with the account, and its owner is told.
 */
export async function proveSecondStep(
  app: KindContext,
  given: Given,
  entry: Entry,
): Promise<Outcome<{ next: NextStep }, SecondStepRefusal> | Limited> {
  const { accountId, challenge, amr, provedAt, remember, method: name } = given.progress;
  const method = methodNamed(await usableMethods(app, given.progress), name);
  // It was removed meanwhile, perhaps to put another in its place: begin again with what is true now.
  if (!method) return startOver('start_over');
  const ready = await readiness(app, { progress: given.progress, method }, entry);
  if (ready === 'waiting' || ready === 'expired') return refused(ready);
  if (ready === 'refused') {
    await noteFailure(app, { accountId, reason: 'refused_elsewhere', method: method.kind }, entry);
    return startOver('approval_refused');
  }
  const checked = await trySecondStep(app, { accountId, challenge }, entry.from, () =>
    judged(app, given, method, entry),
  );
  if (!checked.ok && checked.reason === 'not_enrolled') return startOver('start_over');
  if (!checked.ok) return await refuse(app, { accountId, method: method.kind, checked }, entry);
  const all = [...new Set([...amr, ...checked.amr, 'mfa'])];
  const { signedInAt, passwordKnown } = given.progress;
  const passed = { accountId, provedAt, amr: all, remember, from: entry.from, signedInAt, passwordKnown };
  const next = await passGate(app, passed);
  if (next.at !== 'finished' || !given.trustDevice) return { ok: true, next };
  const device = await trustDevice(app, { accountId, provedAt, entry });
  return { ok: true, next: { ...next, device } };
}

/** Another of the account's methods; also the same once more, for another code. What the account does not have changes nothing. */
export async function chooseSecondStep(
  app: KindContext,
  { progress, method: name }: { progress: SecondStepProgress; method: string },
  entry: Entry,
): Promise<{ ok: true; next: NextStep }> {
  const method = methodNamed(await usableMethods(app, progress), name);
  if (!method) return { ok: true, next: progress };
  await leaveSecondStep(app, progress);
  const sentAgain = progress.method === name;
  return {
    ok: true,
    next: await beginSecondStep(app, { progress: { ...progress, sentAgain }, method }, entry),
  };
}

/** The person goes another way, or back: what was begun elsewhere for this step is void. */
export async function leaveSecondStep(app: KindContext, progress: SecondStepProgress): Promise<void> {
  const { accountId, kept, method = '' } = progress;
  const begun = secondStepKinds().find(({ kind }) => method.startsWith(`${kind}.`));
  await begun?.leave?.(app, { accountId, kept });
}

/** How it stands elsewhere, for the page that waits. Looking changes nothing and counts as no try. */
export async function lookElsewhere(
  app: KindContext,
  progress: SecondStepProgress,
  entry: Entry,
): Promise<Readiness> {
  const method = methodNamed(await usableMethods(app, progress), progress.method);
  return method ? await readiness(app, { progress, method }, entry) : 'expired';
}

async function readiness(
  app: KindContext,
  { progress, method }: { progress: SecondStepProgress; method: SecondStepMethod },
  entry: Entry,
): Promise<Readiness> {
  const { accountId, kept } = progress;
  const occasion = signInOccasion(entry);
  return (await kindNamed(method.kind).ready?.(app, { accountId, method, occasion, kept })) ?? 'ready';
}

/** What may prove this sign-in: another factor than the first. */
export async function usableMethods(
  app: KindContext,
  {
    accountId,
    reach = 0,
    ...how
  }: Pick<SecondStepProgress, 'accountId' | 'amr' | 'resetBy' | 'ownSession' | 'reach'>,
): Promise<SecondStepMethod[]> {
  const methods = await secondStepMethods(app, accountId);
  return methods.filter((method) => isAnotherFactor(method, how) && reaches(method, reach));
}

function startOver(notice: 'start_over' | 'too_many_codes' | 'approval_refused'): Next {
  return { ok: true, next: { at: 'start', notice } };
}

async function judged(app: KindContext, { progress, answer }: Given, method: SecondStepMethod, entry: Entry) {
  const { accountId, kept } = progress;
  const occasion = signInOccasion(entry);
  return await kindNamed(method.kind).check(app, { accountId, method, occasion, kept, answer });
}

/** Recorded, whatever it was; what is told is less. */
async function refuse(
  app: KindContext,
  { accountId, method, checked }: { accountId: string; method: string; checked: Refused },
  entry: Entry,
): Promise<Outcome<{ next: NextStep }, SecondStepRefusal> | Limited> {
  const reason = checked.reason === 'limited' ? 'too_many_tries' : checked.reason;
  await noteFailure(app, { accountId, reason, method }, entry);
  if (checked.reason === 'challenge_used_up') return startOver('too_many_codes');
  if (checked.reason === 'limited') return checked;
  if ('lastOfChallenge' in checked && checked.lastOfChallenge)
    await warnOfGuesses(app, { accountId, locale: entry.locale }, entry.from);
  return refused(checked.reason === 'expired' || checked.reason === 'off' ? checked.reason : 'wrong_code');
}

async function noteFailure(
  app: KindContext,
  { accountId, ...detail }: { accountId: string; reason: string; method: string },
  { from }: Entry,
): Promise<void> {
  app.metrics.signIns.inc({ outcome: 'second_step_refused' });
  await recordEvent(app, { type: 'account.second_step_failed', accountId, detail }, from);
}
