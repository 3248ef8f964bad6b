import { forgetBrowsers } from '../credentials/known-browsers.ts';
import { forgetFailures } from '../limits/failures.ts';
import type { Services } from '../services.ts';

/**
 * The password was set anew by somebody who proved to be its owner: guesses at the old one count no more, and what was
 * off is on again. Browsers that signed in with the old one are strangers, but for the one they sit at. What was tried
 * at the second step stays: a mailbox is enough to reset a password, and must not buy guesses at the other factor.
 */
export async function forgetOldPassword(
  ctx: Pick<Services, 'db'>,
  { accountId, except }: { accountId: string; except?: string | undefined },
): Promise<void> {
  await forgetBrowsers(ctx, { accountId, except });
  await forgetFailures(ctx, { accountId, proofs: ['password', 'reset_code'] });
}
