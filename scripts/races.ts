/**
 * npm run races: uses what is good once many times at the same moment, over two server processes, and counts.
 *
 *   npm run races -- --rounds 10000                                    every primitive, on every kind of stores
 *   npm run races -- --rounds 500 --only "refresh token,TOTP step"     some of them
 *   npm run races -- --rounds 500 --kind redis                         embedded, redis, cluster, sentinel or jitter
 *   npm run races -- --list                                            what there is
 *
 * Loopback only; every server is a child of this process and ends with it. docs/reliability.md says what the table means.
 * Ends with 1 when anything was won twice, or answered otherwise than it should be.
 */
import { openKind, raceKinds } from '../test/races/open-kind.ts';
import type { Primitive } from '../test/races/primitive.ts';
import { primitives } from '../test/races/primitives.ts';
import { race } from '../test/races/race.ts';
import { openRaceWorld, type RaceWorld } from '../test/races/race-world.ts';
import { heading, line } from '../test/races/report.ts';
import { chosen, given, positive } from './arguments.ts';

const values = given({
  rounds: { type: 'string', default: '100' },
  only: { type: 'string' },
  kind: { type: 'string' },
  list: { type: 'boolean', default: false },
});

const kinds = chosen('kind', values.kind, raceKinds, (kind) => kind);
const raced = chosen('only', values.only, primitives, ({ name }) => name);
const rounds = positive('rounds', values.rounds);
if (values.list) for (const { name } of raced) console.log(name);
else if ((await races()) > 0) process.exitCode = 1;

/** Answers how many faults there were. */
async function races(): Promise<number> {
  let faults = 0;
  console.log(heading());
  for (const kind of kinds) {
    const world = await openRaceWorld(await openKind(kind));
    let left: Promise<void> | undefined;
    const leave = () => {
      left = world.close().finally(() => process.exit(1));
    };
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, leave);
    try {
      for (const primitive of raced) faults += await play(world, primitive);
    } catch (problem) {
      // What a round says whose servers were taken away is no fault of theirs.
      await left;
      throw problem;
    } finally {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, leave);
      await world.close();
    }
  }
  return faults;
}

async function play(world: RaceWorld, primitive: Primitive): Promise<number> {
  const result = await race(world, primitive, { rounds });
  console.log(line(result));
  for (const fault of result.faults.slice(0, 10)) console.error(`  ${fault}`);
  return result.faults.length;
}
