import { changeTwoStep, turnOn } from '../credentials/two-step.ts';
import type { KindContext } from './second-step-kinds.ts';

/**
 * From now on a sign-in with the password asks for a second step too. Called by each verb that adds a method which its owner
 * meant as one; a passkey that was added to sign in with does not turn it on.
 */
export async function turnOnTwoStep(
  ctx: Pick<KindContext, 'db' | 'clock'>,
  { accountId }: { accountId: string },
): Promise<void> {
  await changeTwoStep(ctx, accountId, (tx) => turnOn(tx, accountId, ctx.clock.now()));
}
