import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { RaceStores } from './kinds.ts';
import type { Primitive } from './primitive.ts';
import { primitives } from './primitives.ts';
import { race } from './race.ts';
import { openRaceWorld, type RaceWorld } from './race-world.ts';

/** A row takes some ten seconds where nothing else is wrong. */
const mostLostMs = 5000;

function explain(kind: string, rounds: number, rows: readonly string[]): string {
  const why = `The machine stood still for more than ${mostLostMs / 1000} s in each of these rows of the race matrix on ${kind}`;
  return `${why}, which then played fewer than ${rounds} rounds: ${rows.join(', ')}. All are played by: npm run races\n`;
}

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
    const cutShort: string[] = [];
    afterAll(async () => {
      if (cutShort.length > 0) process.stderr.write(explain(world.kind, rounds, cutShort));
      await world?.close();
    }, 120_000);

    it.each(rows.map((primitive) => ({ ...primitive, of: primitive })))(
      '$name: no more come through than may, and nothing else is told or left',
      async ({ of }) => {
        const raced = await race(world, of, { rounds, mostLostMs, ...(overlap && { overlap }) });
        if (raced.rounds < rounds) cutShort.push(`${of.name} ${raced.rounds}`);
        expect(raced.faults).toEqual([]);
      },
      // A machine that does other things too may take its time; the rounds themselves have limits of their own.
      600_000,
    );
  });
}
