import { type KindContext, kindNamed, type Occasion, type SecondStepMethod } from './second-step-kinds.ts';
import { methodName } from './second-step-methods.ts';
import type { Entry, SecondStepProgress, SignInProgress } from './sign-in.ts';

/** The occasion of a sign-in: answers are good in this interaction only. */
export function signInOccasion({ interactionUid, locale, from, app, ownSession }: Entry): Occasion {
  return { purpose: 'second_step', boundTo: interactionUid, locale, from, app, ownSession };
}

/**
 * Asks for this method: sends its code or makes its challenge, where it has one. One that cannot be begun now (its budget is
 * used up) is shown all the same, with the reason and the way to the others.
 */
export async function beginSecondStep(
  app: KindContext,
  {
    progress,
    method,
  }: { progress: Omit<SecondStepProgress, 'method'>; method: SecondStepMethod | undefined },
  entry: Entry,
): Promise<SignInProgress> {
  const { trouble: _before, ...rest } = { ...progress, kept: {} };
  if (!method) return rest;
  const chosen = { ...rest, method: methodName(method) };
  const { begin } = kindNamed(method.kind);
  if (!begin) return chosen;
  const occasion = signInOccasion(entry);
  const begun = await begin(app, { accountId: progress.accountId, method, occasion });
  if (begun.ok) return { ...chosen, kept: begun.kept };
  if (begun.reason === 'start_over') return { at: 'start', notice: 'too_many_codes' };
  return { ...chosen, trouble: begun.reason };
}
