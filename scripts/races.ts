/**
 * npm run races: uses what is good once many times at the same moment, over two server processes, and counts.
 *
 *   npm run races -- --rounds 10000                                    every primitive, on every kind of stores
 *   npm run races -- --rounds 500 --only "refresh token,TOTP step"     some of them
 *   npm run races -- --rounds 500 --kind redis                         embedded, redis, cluster or jitter
 *   npm run races -- --list                                            what there is
 *
 * Loopback only; every server is a child of this process and ends with it. docs/reliability.md says what the table means.
 * Ends with 1 when anything was won twice, or answered otherwise than it should be.
 */
import { parseArgs } from 'node:util';
import { openKind, raceKinds } from '../test/races/open-kind.ts';
import type { Primitive } from '../test/races/primitive.ts';
import { primitives } from '../test/races/primitives.ts';
import { race } from '../test/races/race.ts';
import { openRaceWorld, type RaceWorld } from '../test/races/race-world.ts';
import { heading, line } from '../test/races/report.ts';
import { positive } from './positive.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '100' },
    only: { type: 'string' },
    kind: { type: 'string' },
    list: { type: 'boolean', default: false },
  },
});

const kinds = choose(raceKinds, values.kind, (kind) => kind);
const chosen = choose(primitives, values.only, ({ name }) => name);
const rounds = positive('rounds', values.rounds);
if (values.list) for (const { name } of chosen) console.log(name);
else if ((await races()) > 0) process.exitCode = 1;

/** Answers how many faults there were. */
async function races(): Promise<number> {
  let faults = 0;
  console.log(heading());
  for (const kind of kinds) {
    const world = await openRaceWorld(await openKind(kind));
    const leave = () => void world.close().finally(() => process.exit(1));
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, leave);
    try {
      for (const primitive of chosen) faults += await play(world, primitive);
    } finally {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, leave);
      await world.close();
    }
  }
  return faults;
}

async function play(world: RaceWorld, primitive: Primitive): Promise<number> {
  const raced = await race(world, primitive, { rounds });
  console.log(line(raced));
  for (const fault of raced.faults.slice(0, 10)) console.error(`  ${fault}`);
  return raced.faults.length;
}

function choose<Item>(
  all: readonly Item[],
  list: string | undefined,
  nameOf: (item: Item) => string,
): Item[] {
  const wanted = list?.split(',');
  const unknown = wanted?.filter((name) => !all.some((item) => nameOf(item) === name)) ?? [];
  if (unknown.length > 0)
    throw new Error(`not known: ${unknown.join(', ')}. There are: ${all.map(nameOf).join(', ')}`);
  return all.filter((item) => !wanted || wanted.includes(nameOf(item)));
}
