import { setTimeout as sleep } from 'node:timers/promises';
import type { UpdateResult } from 'kysely';
import { newId } from '../kit/secrets.ts';
import { type CommitResult, type LiveStep, type LiveStore, StoreUnavailable } from './live.ts';

/**
 * What uses something up says who does, and is done once more when its reply was lost on the wire: what was done already is
 * recognised by that name, and an honest person or app does not look like a thief (engine facts 17). The name is the
 * request's own and random, so nobody else's repeat is taken for it, nor the same one's that comes a second time.
 */

/** Milliseconds. A connection that broke takes a moment to be made anew, and until then nothing is sent. */
const pause = 50;
/** Of the time a page may wait. A lost reply shows itself at once; a store that stays silent has used the time up. */
const [quickly, patience] = [0.3, 0.6];

/** All tries together take no longer than a page would wait for one: `until` then. */
export async function onceMore<Result>(
  timeoutMs: number,
  ask: (again: boolean, until: number) => Promise<Result>,
): Promise<Result> {
  const begun = performance.now();
  const since = () => performance.now() - begun;
  const until = begun + timeoutMs;
  for (let lost: StoreUnavailable | undefined; ; )
    try {
      return await (lost ? within(timeoutMs - since(), ask(true, until), lost) : ask(false, until));
    } catch (error) {
      if (!(error instanceof StoreUnavailable) || since() > (lost ? patience : quickly) * timeoutMs)
        throw error;
      lost ??= error;
      await sleep(pause);
    }
}

async function within<Result>(ms: number, asked: Promise<Result>, lost: StoreUnavailable): Promise<Result> {
  const waited = new AbortController();
  const over = sleep(Math.max(0, ms), undefined, { signal: waited.signal }).then(() => {
    throw lost;
  });
  try {
    return await Promise.race([asked, over]);
  } finally {
    asked.catch(() => undefined);
    over.catch(() => undefined);
    waited.abort();
  }
}

/**
 * A commit whose steps a second one recognises: what is consumed by its `by`, what is added or replaced by its value. A try that
 * nobody waits for any more may still be on its way: what reaches the store when the time of all is over is refused there.
 */
export async function commitTwice(
  { live }: { live: LiveStore },
  steps: readonly LiveStep[],
): Promise<CommitResult> {
  return onceMore(live.timeoutMs, async (again, until) => {
    const commit: Commit = (some) => live.commit(some, { until });
    const written = await commit(steps);
    return again && (await wasOurs(commit, steps, written)) ? { ok: true } : written;
  });
}

type Commit = (steps: readonly LiveStep[]) => Promise<CommitResult>;

/**
 * It refuses because the first time was heard: then what this commit writes is what stands there. It is written over itself
 * and not only read, for a write is what replicas are waited for with, and with all that came before it.
 */
async function wasOurs(commit: Commit, steps: readonly LiveStep[], written: CommitResult): Promise<boolean> {
  const step = written.ok ? undefined : steps[written.step];
  if (step?.do !== 'add' && step?.do !== 'replace') return false;
  const { key, value, ttlMs } = step;
  return (await commit([{ do: 'replace', key, expect: value, value, ttlMs }])).ok;
}

/** One statement that uses up a row, which is still to be used or was used `by` this name. Answers whether it was. */
export async function updateTwice(
  { settings }: { settings: { STORE_TIMEOUT_MS: number } },
  use: (by: string) => Promise<UpdateResult>,
): Promise<boolean> {
  const by = newId();
  const { numUpdatedRows } = await onceMore(settings.STORE_TIMEOUT_MS, () => use(by));
  return numUpdatedRows > 0n;
}
