import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { RaceStores } from './kinds.ts';
import type { Primitive } from './primitive.ts';
import { primitives } from './primitives.ts';
import { race } from './race.ts';
import { openRaceWorld, type RaceWorld } from './race-world.ts';

/** The matrix on one kind of stores, as a suite. docs/reliability.md has the longer runs of `npm run races`. */
export function raceSuite(
  open: () => Promise<RaceStores>,
  { rounds, overlap, rows = primitives }: { rounds: number; overlap?: number; rows?: readonly Primitive[] },
): void {
  describe('of many uses at the same moment, over two processes', () => {
    let world: RaceWorld;
    beforeAll(async () => {
      world = await openRaceWorld(await open());
    }, 300_000);
    afterAll(() => world?.close(), 60_000);

    it.each(rows.map((primitive) => ({ ...primitive, of: primitive })))(
      '$name: no more come through than may, and nothing else is told or left',
      async ({ of }) => {
        const raced = await race(world, of, { rounds, ...(overlap && { overlap }) });
        expect(raced.faults).toEqual([]);
      },
      // A machine that does other things too may take its time; the rounds themselves have limits of their own.
      600_000,
    );
  });
}
