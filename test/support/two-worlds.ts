import type { LiveStep, LiveStore } from '../../src/store/live.ts';
import { openWorld, type World } from './world.ts';
import { worldKinds } from './world-kinds.ts';

/** Two servers on the same stores, as two processes are; each has connections and copies of its own. */
export type TwoWorlds = { world: World; beside: World; close(): Promise<void> };

export const pairKinds = worldKinds.map(({ name, open }) => ({
  name,
  async open(environment: Record<string, string> = {}): Promise<TwoWorlds> {
    const world = await open(environment);
    const beside = await openWorld({}, { beside: world });
    return {
      world,
      beside,
      async close() {
        await beside.close();
        await world.close();
      },
    };
  },
}));

type Steps = readonly LiveStep[];

/**
 * Stands between a server and its live state: when it is about to commit what `matches`, for the first time, `first` is
 * done before. So two things that rarely meet meet every time. Answers whether they did.
 */
export function meanwhile(
  { services: { live } }: World,
  matches: (steps: Steps) => boolean,
  first: () => Promise<unknown>,
): { happened(): boolean } {
  const commit = live.commit;
  let happened = false;
  live.commit = async (steps) => {
    if (!happened && matches(steps)) {
      happened = true;
      live.commit = commit;
      await first();
    }
    return commit(steps);
  };
  return { happened: () => happened };
}

/**
 * The mirror of it: when a server has read an index that `matches` for the first time, `then` is done before it goes on with
 * what it read. Answers whether it was.
 */
export function afterReading(
  { live }: { live: LiveStore },
  matches: (key: string) => boolean,
  then: () => Promise<unknown>,
): { happened(): boolean } {
  const { members } = live;
  let happened = false;
  live.members = async (key, from) => {
    const page = await members(key, from);
    if (happened || !matches(key)) return page;
    happened = true;
    live.members = members;
    await then();
    return page;
  };
  return { happened: () => happened };
}

/** Whether one of the steps is this, at a key that ends so. */
export function has(what: LiveStep['do'], ending: string): (steps: Steps) => boolean {
  return (steps) => steps.some((step) => step.do === what && step.key.endsWith(ending));
}
