import type { Services } from '../services.ts';
import { onceItAnswers } from '../store/in-doubt.ts';
import { StoreUnavailable } from '../store/live.ts';

/**
 * A change to how a person proves themselves, and what follows from it where the records do not say in time whether they kept it:
 * whoever comes again finds nothing to do. The request is told of the outage, and once they say that they did, all follows as if
 * they had said so at once: from this very change, whatever others made of the account meanwhile.
 */
export async function changeInDoubt<Result>(
  ctx: Pick<Services, 'log'>,
  change: () => Promise<Result>,
  follows: () => Promise<unknown>,
): Promise<Result> {
  try {
    return await change();
  } catch (error) {
    if (error instanceof StoreUnavailable && error.isKept) followLater(ctx, error.isKept, follows);
    throw error;
  }
}

function followLater(
  ctx: Pick<Services, 'log'>,
  isKept: () => Promise<boolean>,
  follows: () => Promise<unknown>,
): void {
  let begun = false;
  onceItAnswers(ctx, async () => {
    if (begun || !(await isKept())) return;
    begun = true;
    // It goes on by itself where a store goes away once more (nowOrLater).
    await follows();
  });
}
