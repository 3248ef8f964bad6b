import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { isSilentAt } from '../support/cut-short.ts';
import { embeddedStores } from './kinds.ts';
import { primitives } from './primitives.ts';
import { inShort } from './race.ts';
import { openRaceWorld, type RaceWorld } from './race-world.ts';

/** What a race is to say where a store is too slow for the ending itself. Once it took what had not ended for alive. */
describe('a revocation that is told 503 in a race', () => {
  let world: RaceWorld;
  beforeAll(async () => {
    world = await openRaceWorld(await embeddedStores());
  }, 300_000);
  afterAll(() => world?.close(), 60_000);

  function row() {
    const found = primitives.find(({ name }) => name === 'revoke vs in-flight refresh');
    if (!found) throw new Error('no such race');
    return found;
  }

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

describe('the faults of a round', () => {
  it('are told each once, so that many of one kind hide no other', () => {
    expect(inShort(['it lives on', 'it lives on', 'it is listed'])).toEqual([
      'it lives on (2 times)',
      'it is listed',
    ]);
  });
});
