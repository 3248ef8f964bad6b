import { type LiveStep, StoreUnavailable } from '../../src/store/live.ts';
import type { World } from './world.ts';

/** A live state that goes away after so many commits of this kind, until `comesBack`. */
export function goesAway(
  { services: { live } }: Pick<World, 'services'>,
  { after, of }: { after: number; of: (steps: readonly LiveStep[]) => boolean },
): { comesBack(): void } {
  const { commit } = live;
  let seen = 0;
  live.commit = async (steps) => {
    if (of(steps)) seen += 1;
    if (seen > after) throw new StoreUnavailable('live', new Error('a test took it away'));
    return commit(steps);
  };
  return {
    comesBack() {
      live.commit = commit;
    },
  };
}
