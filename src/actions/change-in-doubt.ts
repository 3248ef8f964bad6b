import type { Services } from '../services.ts';
import { putRight } from '../store/in-doubt.ts';
import { StoreUnavailable } from '../store/live.ts';

/**
 * A change to how a person proves themselves, and what follows from it where the reply of the records was lost: it may have been made,
 * and whoever comes again finds nothing to do. So `isMade` looks as soon as they answer, and once more when nothing can come
 * any more; of two requests that made the same change both may tell of it, rather than none. The request is told of the outage.
 */
export async function changeInDoubt<Result>(
  ctx: Pick<Services, 'live' | 'log'>,
  change: () => Promise<Result>,
  { isMade, follows }: { isMade: () => Promise<boolean>; follows: () => Promise<unknown> },
): Promise<Result> {
  try {
    return await change();
  } catch (error) {
    if (error instanceof StoreUnavailable) followLater(ctx, { isMade, follows });
    throw error;
  }
}

function followLater(
  ctx: Pick<Services, 'live' | 'log'>,
  { isMade, follows }: { isMade: () => Promise<boolean>; follows: () => Promise<unknown> },
): void {
  let begun = false;
  putRight(ctx, async () => {
    if (begun || !(await isMade())) return;
    begun = true;
    await follows();
  });
}
