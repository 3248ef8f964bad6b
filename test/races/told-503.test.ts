import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { isSilentAt } from '../support/cut-short.ts';
import { embeddedStores } from './kinds.ts';
import type { Answer, Node } from './last-byte.ts';
import { primitives } from './primitives.ts';
import { inShort } from './race.ts';
import { openRaceWorld, type RaceWorld } from './race-world.ts';

const rowOf = (name: string) => {
  const found = primitives.find((row) => row.name === name);
  if (!found) throw new Error(`no such race: ${name}`);
  return found;
};

/** What a race is to say where a store is too slow for the ending itself. Once it took what had not ended for alive. */
describe('a revocation that is told 503 in a race', () => {
  let world: RaceWorld;
  beforeAll(async () => {
    world = await openRaceWorld(await embeddedStores());
  }, 300_000);
  afterAll(() => world?.close(), 60_000);

  const row = () => rowOf('revoke vs in-flight refresh');

  it.each([
    ['the generation', 1],
    ['the grant', 2],
  ])('is begun again when it fails at %s, and then all is over', async (_, place) => {
    let commits = 0;
    const silent = isSilentAt({ services: world.desks[1] }, () => {
      commits += 1;
      return commits === place;
    });
    const { faults } = await row().play(world, 0);
    silent.comesBack();
    expect(silent.happened()).toBe(true);
    expect(faults).toEqual([]);
  });

  it('is told of, and what it left is counted, where it never comes through', async () => {
    const silent = isSilentAt({ services: world.desks[1] }, () => true);
    const left = await row().play(world, 0);
    silent.comesBack();
    await row().play(world, 0);
    expect(left.faults[0]).toContain('the ending was told 503 to the last');
    expect(await left.effects(new Map())).toBe(1);
  });
});

/** The same world with a store that is too busy for the presses of which this is true: they are told 503, and nothing is done. */
function tooBusyFor(world: RaceWorld, matches: (form: URLSearchParams) => boolean): RaceWorld {
  const busy: Answer = { status: 503, head: 'HTTP/1.1 503\r\nretry-after: 1', body: '' };
  const front = (node: Node): Node => ({
    ...node,
    load: async (asked) =>
      asked.form && matches(new URLSearchParams(asked.form))
        ? { fire: async () => busy }
        : await node.load(asked),
  });
  return { ...world, nodes: [front(world.nodes[0]), front(world.nodes[1])] };
}

/** Once a decision that nobody could make, for all were told 503, was taken for one that was lost. */
describe('a decision that is told 503 in a race', () => {
  let world: RaceWorld;
  beforeAll(async () => {
    world = await openRaceWorld(await embeddedStores());
  }, 300_000);
  afterAll(() => world?.close(), 60_000);

  it.each([
    ['consent (merge of two tabs)', (form: URLSearchParams) => form.get('scope') === 'profile'],
    ['consent (pressed twice)', (form: URLSearchParams) => form.has('decision')],
    ['approval (approve vs deny)', (form: URLSearchParams) => form.has('decision')],
  ])('is made again in %s where every press of a page is', async (name, matches) => {
    const { faults, busy } = await rowOf(name).play(tooBusyFor(world, matches), 0);
    expect(busy).toBeGreaterThanOrEqual(10);
    expect(faults).toEqual([]);
  });
});

describe('the faults of a round', () => {
  it('are told each once, so that many of one kind hide no other', () => {
    expect(inShort(['it lives on', 'it lives on', 'it is listed'])).toEqual([
      'it lives on (2 times)',
      'it is listed',
    ]);
  });
});
