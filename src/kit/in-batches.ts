import { setImmediate as nextTurn } from 'node:timers/promises';

/**
 * Does the work for so many of them side by side, then for the next ones. Between two batches everything else that waits has
 * its turn: an embedded store answers without ever waiting, and would let nobody else come to word.
 */
export async function inBatches<Item, Result>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const done: Result[] = [];
  for (let from = 0; from < items.length; from += atOnce) {
    if (from > 0) await nextTurn();
    done.push(...(await Promise.all(items.slice(from, from + atOnce).map(work))));
  }
  return done;
}
