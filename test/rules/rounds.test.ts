import { describe, expect, it } from '@jest/globals';
import { hours } from '../../src/kit/durations.ts';
import { startRounds } from '../../src/kit/rounds.ts';

/** Work whose rounds end when they are told to. */
function heldWork() {
  const under: { end(): void; fail(error: Error): void }[] = [];
  const failures: unknown[] = [];
  const rounds = startRounds({
    every: 1 * hours,
    work: () => new Promise<void>((end, fail) => under.push({ end, fail })),
    failed: (error) => failures.push(error),
  });
  const turn = () => new Promise<void>((done) => setImmediate(done));
  return { rounds, under, failures, turn };
}

describe('rounds', () => {
  it('are never two at once, and one more follows what was told meanwhile, however often', async () => {
    const { rounds, under, turn } = heldWork();
    for (const _ of [1, 2, 3]) rounds.look();
    await turn();
    expect(under).toHaveLength(1);
    under[0]?.end();
    await turn();
    expect(under).toHaveLength(2);
    under[1]?.end();
    await turn();
    expect(under).toHaveLength(2);
    await rounds.stop();
  });

  it('go on after one that failed, which is told', async () => {
    const { rounds, under, failures, turn } = heldWork();
    rounds.look();
    under[0]?.fail(new Error('no records'));
    await turn();
    expect(failures).toEqual([new Error('no records')]);
    rounds.look();
    expect(under).toHaveLength(2);
    under[1]?.end();
    await rounds.stop();
  });

  it('end with the one that is under way: none follows, also when it is told to', async () => {
    const { rounds, under, turn } = heldWork();
    rounds.look();
    rounds.look();
    let ended = false;
    const stopped = rounds.stop().then(() => {
      ended = true;
    });
    await turn();
    expect(ended).toBe(false);
    under[0]?.end();
    await stopped;
    rounds.look();
    await turn();
    expect(under).toHaveLength(1);
  });
});
