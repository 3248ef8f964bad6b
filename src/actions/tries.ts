import { giveTryBackToBrowser, takeTryOfBrowser } from '../credentials/known-browsers.ts';
import { done } from '../kit/outcome.ts';
import { giveTryBack, type Refused, type Subject, takeTry } from '../limits/failures.ts';
import type { Limited } from '../limits/limits.ts';
import type { Proof } from '../limits/waits.ts';
import type { Services } from '../services.ts';
import type { RequestSource } from '../web/request-source.ts';

/**
 * The tries at an account, for every verb that looks at a password or a code: first those of the browser, if it signed in
 * to this account before, then those that everybody else shares (src/limits/waits.ts). Take one BEFORE looking; after a
 * right one, and when nothing could be looked at, give it back. What was counted starts anew only when a sign-in is
 * complete (complete-sign-in.ts).
 */
type Records = Pick<Services, 'db' | 'clock'>;
type Wanted = { proof: Proof; subject: Subject };
export type Taken = { ok: true; by: 'browser' | 'anybody' };
type Counted = { taken: Taken | Refused } & Pick<RequestSource, 'browser'>;

export async function takeOneTry(
  ctx: Records,
  { proof, subject }: Wanted,
  { browser }: Pick<RequestSource, 'browser'>,
): Promise<Taken | Refused> {
  // Who brings no cookie has no row to look for; who brings one is asked for it whether or not there is such an account.
  const accountId = 'account' in subject ? subject.account : '';
  const own = browser !== undefined && (await takeTryOfBrowser(ctx, { token: browser, accountId, proof }));
  if (own) return { ...done, by: 'browser' };
  const shared = await takeTry(ctx, { proof, subject });
  return shared.ok ? { ...done, by: 'anybody' } : shared;
}

/** Looks at what a try was taken for. What came to no verdict, for a store was down or a queue full, is no failure of anybody. */
export async function orGiveTryBack<Result>(
  ctx: Records,
  wanted: Wanted,
  counted: Counted,
  look: () => Promise<Result>,
): Promise<Result> {
  try {
    return await look();
  } catch (error) {
    // If the count cannot be reached either, it stays: what is to be told is the first trouble.
    await giveOneTryBack(ctx, wanted, counted).catch(() => undefined);
    throw error;
  }
}

/** Nothing to do when there was none to take. */
export async function giveOneTryBack(
  ctx: Records,
  { proof, subject }: Wanted,
  { taken, browser }: Counted,
): Promise<void> {
  if (!taken.ok) return;
  if (taken.by === 'anybody') return giveTryBack(ctx, { proof, subject });
  const accountId = 'account' in subject ? subject.account : '';
  await giveTryBackToBrowser(ctx, { token: browser, accountId, proof });
}

/** What a page may say of it, once the first factor is proved. */
export function toLimited({ retryAfterSeconds }: Refused): Limited {
  return { ok: false, reason: 'limited', retryAfterSeconds };
}
