import { setTimeout as sleep } from 'node:timers/promises';
import { newId } from '../../src/kit/secrets.ts';
import { type LiveKey, type LiveStore, StoreUnavailable } from '../../src/store/live.ts';
import { timed, untilWorks } from './timing.ts';

/** What was acknowledged, and when something was not; see `writeOn`. */
export type Ledger = {
  acknowledged: LiveKey[];
  /** When the calls were made that failed, and how long they took. */
  failed: { at: number; ms: number; error: unknown }[];
  /** Resolves when so many more were acknowledged. */
  acknowledges(count: number): Promise<void>;
  stop(): Promise<void>;
};

/** Writes to one partition after the other, several at a time, until it is stopped, and keeps a ledger of it. */
export function writeOn(live: LiveStore, width = 4): Ledger {
  const acknowledged: LiveKey[] = [];
  const failed: Ledger['failed'] = [];
  let stopped = false;
  const writers = Array.from({ length: width }, async () => {
    while (!stopped) {
      const key: LiveKey = `{${newId()}}:entry`;
      const at = performance.now();
      const { error, ms } = await timed(() =>
        live.commit([{ do: 'add', key, value: 'acknowledged', ttlMs: 600_000 }]),
      );
      if (error === undefined) acknowledged.push(key);
      else failed.push({ at, ms, error });
      await sleep(2);
    }
  });
  return {
    acknowledged,
    failed,
    async acknowledges(count) {
      const enough = acknowledged.length + count;
      while (acknowledged.length < enough && !stopped) await sleep(5);
    },
    async stop() {
      stopped = true;
      await Promise.all(writers);
    },
  };
}

/** Acknowledged writes that are not there, once every server can be read. */
export async function lostOf(live: LiveStore, { acknowledged }: Ledger): Promise<LiveKey[]> {
  const isThere = async (key: LiveKey) =>
    (await untilWorks(5000, () => live.read([key]))).value[0] !== undefined;
  const found = await Promise.all(acknowledged.map(isThere));
  return acknowledged.filter((_, place) => !found[place]);
}

/** Errors of the ledger that are anything but StoreUnavailable, soon: 950 ms, and a while on a busy machine. */
export function unforeseen({ failed }: Ledger): unknown[] {
  return failed.filter(({ ms, error }) => !(error instanceof StoreUnavailable) || ms > 2000);
}
