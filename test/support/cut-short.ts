import { type CommitResult, type LiveStep, type LiveStore, StoreUnavailable } from '../../src/store/live.ts';

/**
 * The same services for one request: what fails for it fails for no other, nor for what goes on behind another, whose commits would
 * be counted with its own.
 */
export function apart<Whole extends { live: LiveStore }>(services: Whole): Whole {
  return { ...services, live: { ...services.live } };
}

/**
 * The live state of a server fails in the middle of what it does: at its commit number `place` and all that follow, until
 * `mended`. `heard`: that one is done all the same, and only its reply is lost.
 */
export function cutShort(
  { services: { live } }: { services: { live: LiveStore } },
  { place, heard }: { place: number; heard: boolean },
): { happened(): boolean; mended(): void } {
  const patient = soonGivenUp(live);
  let begun = 0;
  const back = instead(live, async (_steps, commit) => {
    begun += 1;
    if (begun < place) return commit();
    if (begun === place && heard) await commit();
    throw new StoreUnavailable('live', new Error('cut by a test'));
  });
  return { happened: () => begun >= place, mended: both(back, patient) };
}

/**
 * The process dies at its commit number `place`, which is not done: nothing comes of that and of what follows, nor is it tried
 * again. `isAnother`: one that was started anew.
 */
export function diesAt(
  { services: { live } }: { services: { live: LiveStore } },
  place: number,
): { isAnother(): void } {
  let begun = 0;
  const isAnother = instead(live, async (_steps, commit) => {
    begun += 1;
    if (begun < place) return commit();
    throw new Error('the process died');
  });
  return { isAnother };
}

/** The process dies at the first commit that comes behind what was made: answers who posted it. */
export async function diesBehind<Who, Whole extends { live: LiveStore }>(
  services: Whole,
  {
    begins,
    isMade,
    whoever,
  }: {
    begins(on: Whole, who: Who): Promise<() => Promise<unknown>>;
    isMade(who: Who): Promise<boolean>;
    whoever(): Promise<Who>;
  },
): Promise<Who> {
  for (let place = 1; ; place += 1) {
    const who = await whoever();
    const on = apart(services);
    const post = await begins(on, who);
    const dead = diesAt({ services: on }, place);
    const died = await post().catch(String);
    dead.isAnother();
    if (died !== 'Error: the process died') throw new Error(`it lived: ${JSON.stringify(died)}`);
    if (await isMade(who)) return who;
  }
}

/** It goes away after so many commits of this kind, until `comesBack`. */
export function goesAway(
  { services: { live } }: { services: { live: LiveStore } },
  { after, of }: { after: number; of: (steps: readonly LiveStep[]) => boolean },
): { comesBack(): void } {
  const patient = soonGivenUp(live);
  let seen = 0;
  const back = instead(live, async (steps, commit) => {
    if (of(steps)) seen += 1;
    if (seen > after) throw new StoreUnavailable('live', new Error('a test took it away'));
    return commit();
  });
  return { comesBack: both(back, patient) };
}

/** It answers to all but this kind of commit, which is heard by nobody, until `comesBack`. */
export function isSilentAt(
  { services: { live } }: { services: { live: LiveStore } },
  of: (steps: readonly LiveStep[]) => boolean,
): { happened(): boolean; comesBack(): void } {
  const patient = soonGivenUp(live);
  let happened = false;
  const back = instead(live, async (steps, commit) => {
    if (!of(steps)) return commit();
    happened = true;
    throw new StoreUnavailable('live', new Error('a test made it silent'));
  });
  return { happened: () => happened, comesBack: both(back, patient) };
}

/**
 * The reply to the first commit that `matches` is lost, though it is done. When it is repeated, `first` is done before.
 * Answers whether it was.
 */
export function repeatedAfter(
  { services: { live } }: { services: { live: LiveStore } },
  matches: (steps: readonly LiveStep[]) => boolean,
  first: () => Promise<unknown>,
): { happened(): boolean } {
  let seen = 0;
  const back = instead(live, async (steps, commit) => {
    if (!matches(steps)) return commit();
    seen += 1;
    if (seen === 1) {
      await commit();
      throw new StoreUnavailable('live', new Error('a test lost the reply'));
    }
    back();
    await first();
    return commit();
  });
  return { happened: () => seen > 1 };
}

/** What becomes of each commit from now on, given how to make it. Answers how that ends. */
export function instead(
  live: LiveStore,
  becomes: (steps: readonly LiveStep[], commit: () => Promise<CommitResult>) => Promise<CommitResult>,
): () => void {
  const { commit } = live;
  // Without its deadline: for that of who is soon given up, below, a machine that is busy may be too slow.
  live.commit = (steps) => becomes(steps, () => commit(steps));
  return () => {
    live.commit = commit;
  };
}

/** Nobody goes on trying for long where a test lets each try fail at once. Answers how that ends. */
function soonGivenUp(live: { timeoutMs: number }): () => void {
  const { timeoutMs } = live;
  live.timeoutMs = Math.min(timeoutMs, 200);
  return () => {
    live.timeoutMs = timeoutMs;
  };
}

function both(one: () => void, other: () => void): () => void {
  return () => {
    one();
    other();
  };
}
