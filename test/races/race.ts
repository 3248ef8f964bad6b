import { setTimeout as sleep } from 'node:timers/promises';
import { partitionOf } from '../../src/store/live.ts';
import type { KeysByPartition, Played, Primitive } from './primitive.ts';
import type { RaceWorld } from './race-world.ts';
import { showsTooLittle } from './shows-too-little.ts';
import { watchStandstills } from './standstills.ts';

/** What a row of the matrix came to on one kind of stores. */
export type Raced = {
  primitive: string;
  kind: string;
  rounds: number;
  uses: number;
  /** The most successes that any round had. */
  successes: number;
  /** How many rounds had a success at all. */
  won: number;
  /** Rounds without one where a store was too busy. */
  tooBusy: number;
  /** The most effects that any round left in the stores. */
  effects: number;
  /** reuse_detected events in the audit record. */
  alarms: number;
  /** 503 with Retry-After among all answers. */
  busy: number;
  seconds: number;
  /** What was wrong, the first few of each round; empty when the row holds. */
  faults: string[];
};

/** Rounds in one go, before the stores are looked at. */
const batch = 100;

/**
 * Plays the rounds of one primitive, `overlap` of them at a time. Where the machine stood still for `mostLostMs` meanwhile it leaves
 * off, but not before the tenth part of them: the `rounds` of the answer tell.
 */
export async function race(
  world: RaceWorld,
  primitive: Primitive,
  {
    rounds,
    overlap = 4,
    mostLostMs = Number.POSITIVE_INFINITY,
  }: { rounds: number; overlap?: number; mostLostMs?: number },
): Promise<Raced> {
  const { name, uses } = primitive;
  const raced: Raced = {
    primitive: name,
    kind: world.kind,
    rounds: 0,
    uses,
    successes: 0,
    won: 0,
    tooBusy: 0,
    effects: 0,
    alarms: 0,
    busy: 0,
    seconds: 0,
    faults: [],
  };
  const begun = performance.now();
  const complained = world.complaints().length;
  const machine = watchStandstills();
  const goesOn = (done: number) => done < rounds / 10 || machine.lostMs() < mostLostMs;
  while (raced.rounds < rounds && goesOn(raced.rounds)) {
    const before = await countAlarms(world);
    const played = await playSome(world, primitive, {
      rounds: Math.min(batch, rounds - raced.rounds),
      overlap,
      goesOn: (begun) => goesOn(raced.rounds + begun),
    });
    await count(world, primitive, raced, played);
    const due = primitive.alarm === 'once' ? played.filter(({ successes }) => successes > 0).length : 0;
    // Who won, and was told 503 by a store that was too slow, has won all the same.
    const unsure = primitive.alarm === 'once' ? played.filter(isUnsure).length : 0;
    const alarms = (await countAlarms(world, before + due)) - before;
    raced.alarms += alarms;
    if (primitive.alarm !== 'may' && (alarms < due || alarms > due + unsure))
      raced.faults.push(`${alarms} alarms, and ${due} were due`);
  }
  machine.end();
  // A store that was too busy for a moment is counted by its answers.
  const complaints = world
    .complaints()
    .slice(complained)
    .filter((line) => !line.includes('StoreUnavailable'));
  raced.faults.push(...complaints.slice(0, 5).map((line) => `the server said: ${line.slice(0, 1000)}`));
  raced.faults.push(...showsTooLittle(primitive, raced));
  raced.seconds = Math.round((performance.now() - begun) / 100) / 10;
  return raced;
}

async function playSome(
  world: RaceWorld,
  primitive: Primitive,
  { rounds, overlap, goesOn }: { rounds: number; overlap: number; goesOn(begun: number): boolean },
): Promise<Played[]> {
  const played: Played[] = [];
  let begun = 0;
  async function play(slot: number): Promise<void> {
    while (begun < rounds && goesOn(begun)) {
      begun += 1;
      played.push(await primitive.play(world, slot));
    }
  }
  await Promise.all(Array.from({ length: overlap }, (_, slot) => play(slot)));
  return played;
}

async function count(
  world: RaceWorld,
  primitive: Primitive,
  raced: Raced,
  played: readonly Played[],
): Promise<void> {
  // Some of what a request does is written after its answer left, such as an audit event that may be lost.
  await sleep(150);
  const keys = byPartition(await world.liveKeys());
  for (const round of played) {
    const effects = await round.effects(keys);
    const wanted = primitive.leaves ?? round.successes;
    const faults =
      effects === wanted || isBusyness(primitive, round, effects)
        ? round.faults
        : [...round.faults, `${effects} effects of ${round.successes} successes: ${round.told}`];
    const shown = inShort(faults).slice(0, 5);
    if (shown.length > 0) shown.push(`the answers were ${round.told}`);
    raced.faults.push(...shown.map((fault) => `round ${raced.rounds}: ${fault}`));
    raced.rounds += 1;
    raced.busy += round.busy;
    raced.won += round.successes > 0 ? 1 : 0;
    raced.tooBusy += isUnsure(round) ? 1 : 0;
    raced.successes = Math.max(raced.successes, round.successes);
    raced.effects = Math.max(raced.effects, effects);
  }
}

/** Each sentence once, and how often: many of one kind would hide the others. */
export function inShort(faults: readonly string[]): string[] {
  return [...Map.groupBy(faults, (fault) => fault)].map(([fault, { length }]) =>
    length === 1 ? fault : `${fault} (${length} times)`,
  );
}

/** A request that was told 503 may have done its work all the same; and where each round leaves so much, too few came through. */
function isBusyness({ leaves, most }: Primitive, { busy, successes }: Played, effects: number): boolean {
  if (busy === 0) return false;
  if (leaves === undefined) return effects > successes && effects <= most;
  return effects < leaves && effects >= Math.min(successes, leaves);
}

function isUnsure({ successes, busy }: Played): boolean {
  return successes === 0 && busy > 0;
}

export function byPartition(keys: readonly string[]): KeysByPartition {
  return Map.groupBy(keys, (key) => partitionOf(key));
}

const alarming = ['code.reuse_detected', 'refresh_token.reuse_detected'];

/** Alarms are written after the answer left; `until` so many are there, for a few seconds. */
async function countAlarms({ desks: [{ db }] }: RaceWorld, until = 0): Promise<number> {
  for (let tries = 0; ; tries += 1) {
    const { alarms } = await db
      .selectFrom('audit_events')
      .where('type', 'in', alarming)
      .select((eb) => eb.fn.countAll<number>().as('alarms'))
      .executeTakeFirstOrThrow();
    if (Number(alarms) >= until || tries > 50) return Number(alarms);
    await sleep(100);
  }
}
