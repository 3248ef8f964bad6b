import { setTimeout as sleep } from 'node:timers/promises';
import type { Services } from '../services.ts';
import { type CommitResult, type LiveStep, StoreUnavailable } from '../store/live.ts';

const quickly = 300;

/**
 * Once more when the reply was lost on the wire, which shows itself at once: the steps say who spends, so what was done
 * already is recognised, and an honest client does not look like a thief (engine facts 17). A connection that broke takes
 * a moment to be made anew, and until then nothing is sent. A store that stays silent has used up the time a page may take.
 */
export async function commitTwice(
  { live }: Pick<Services, 'live'>,
  steps: readonly LiveStep[],
): Promise<CommitResult> {
  const begun = performance.now();
  for (let lost = false; ; lost = true)
    try {
      const written = await live.commit(steps);
      return lost ? asIfOnce(steps, written) : written;
    } catch (error) {
      if (!(error instanceof StoreUnavailable) || performance.now() - begun > quickly) throw error;
      await sleep(50);
    }
}

/** What is added here has a random name that nobody else knows yet: it is there because the first time was heard. */
function asIfOnce(steps: readonly LiveStep[], again: CommitResult): CommitResult {
  const wasAdded = !again.ok && again.reason === 'exists' && steps[again.step]?.do === 'add';
  return wasAdded ? { ok: true } : again;
}
