import { setTimeout as sleep } from 'node:timers/promises';
import { seconds } from '../kit/durations.ts';
import { newId } from '../kit/secrets.ts';
import { type LiveKey, type LiveStep, type LiveStore, StoreUnavailable } from './live.ts';
import { commitTwice } from './once-more.ts';

/**
 * What was used up, perhaps, by a request that was answered with 503 since the reply was lost, and so was the one of its
 * repetition. Nobody was given anything for it, and whoever comes again must not look like a thief: as soon as the store
 * answers, it is unused once more. Only this process knows of it; if it dies first, the person begins anew.
 *
 * The 503 is told before all is over where a store refuses at once: what was sent may reach it for as long as a page would have
 * waited, and no longer (once-more.ts). So what is to be put right is looked at twice, the second time when nothing comes any more.
 */
type Context = { live: LiveStore; log: { error(detail: object, message: string): void } };

const tryFor = 60 * seconds;
const every = 200;
/** How long it is known who used something up: while it may be made unused again. */
export const knownFor = ({ live }: Pick<Context, 'live'>) => tryFor + 10 * live.timeoutMs;

/** Again and again until the store answers; nobody waits for it. */
export function onceItAnswers({ log }: Pick<Context, 'log'>, work: () => Promise<void>): void {
  void untilItAnswers(work).catch((error: unknown) =>
    log.error({ error: String(error) }, 'what was to follow a store that was away is not done'),
  );
}

/** `look` finds what was done by a commit that nobody waits for any more, and undoes it; it finds nothing where there is nothing. */
export function putRight(context: Context, look: () => Promise<void>): void {
  const over = performance.now() + context.live.timeoutMs;
  onceItAnswers(context, async () => {
    const left = over - performance.now();
    await look();
    if (left < 0) return;
    await sleep(left + every, undefined, { ref: false });
    await look();
  });
}

/**
 * What follows from a change that is kept already, and can be repeated: where the store is away, the request is told so and the
 * work is done all the same, since nobody would come again for it.
 */
export async function nowOrLater<Result>(
  context: Pick<Context, 'log'>,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof StoreUnavailable) onceItAnswers(context, async () => void (await work()));
    throw error;
  }
}

async function untilItAnswers(work: () => Promise<void>): Promise<void> {
  for (const giveUpAt = performance.now() + tryFor; ; ) {
    await sleep(every, undefined, { ref: false });
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof StoreUnavailable) || performance.now() > giveUpAt) throw error;
    }
  }
}

/** `ttlMs`: how long it is good from then on. */
export type Spent = { key: LiveKey; by: string; ttlMs: (value: string) => number };

export function unspendLater(context: Context, spent: Spent): void {
  putRight(context, () => unspend(context, spent));
}

/** Not what was used by somebody else, nor what another has taken the place of. */
export async function unspend({ live }: Pick<Context, 'live'>, { key, by, ttlMs }: Spent): Promise<void> {
  const [entry] = await live.read([key]);
  if (entry?.consumedBy !== by) return;
  const { value } = entry;
  await live.commit([
    // Somebody else may have used it since it was read, if it was good again by then: this refuses.
    { do: 'consume', key, by },
    { do: 'expect', key, value },
    { do: 'put', key, value, ttlMs: Math.max(1, ttlMs(value)) },
  ]);
}

/**
 * Uses up what is good once, for the caller alone: of any number at once, one is told yes. Undefined for the others, and what
 * was used for him. `expect`: only while it reads so.
 */
export async function spendOnce(
  context: Context,
  { key, ttlMs, expect }: Omit<Spent, 'by'> & { expect?: string },
): Promise<Spent | undefined> {
  const spent: Spent = { key, by: newId(), ttlMs };
  const unchanged: LiveStep[] = expect === undefined ? [] : [{ do: 'expect', key, value: expect }];
  const consume: LiveStep = { do: 'consume', key, by: spent.by, keepMs: knownFor(context) };
  try {
    const { ok } = await commitTwice(context, [...unchanged, consume]);
    return ok ? spent : undefined;
  } catch (error) {
    if (error instanceof StoreUnavailable) unspendLater(context, spent);
    throw error;
  }
}
