import path from 'node:path';
import { type Argon2Alone, measureArgon2, printAlone } from './argon2-alone.ts';
import { countStoreCalls, measureSlice, profileSlice, type Slice } from './measure.ts';
import type { Amount, Operation } from './operations.ts';
import { type DetailedRow, printRow, toRows } from './report.ts';
import type { Target } from './targets.ts';

const workers = 8;
const rounds = 8;
/** Of password sign-ins, which take long each. */
const hashRounds = 4;

/**
 * One operation on every target, measured and printed. The targets take turns in short rounds (A B C D, A B C D, ...), so that what else
 * happens on the machine falls on all of them alike.
 */
export async function compare(
  operation: Operation,
  targets: readonly Target[],
  { seconds, profileTo }: { seconds: number; profileTo: string | undefined },
): Promise<DetailedRow[]> {
  const present = targets.filter(({ name }) => !operation.only || operation.only.includes(name));
  const hashes = operation.name === 'password_sign_in';
  const turns = hashes ? hashRounds : rounds;
  const slice = seconds / turns;
  // What is used up is bounded by what the engine's map holds; a slice that runs out of it ends early.
  const amount = { workers, operations: hashes ? Math.ceil(slice * 240) : 250 };
  const slices = new Map<Target, Slice[]>(present.map((target) => [target, []]));
  const alone: Argon2Alone[] = [];
  for (const target of present) await measureSlice(target, operation, { ...amount, seconds: slice });
  for (let round = 0; round < turns; round += 1) {
    if (hashes) alone.push(await measureArgon2(slice));
    for (const [target, taken] of slices)
      taken.push(await measureSlice(target, operation, { ...amount, seconds: slice }));
  }
  if (profileTo) await profile(operation, present, { ...amount, seconds, profileTo });
  const measured = [];
  for (const [target, taken] of slices)
    measured.push({ target: target.name, slices: taken, calls: await countStoreCalls(target, operation) });
  const rows = toRows(operation.name, measured, alone);
  for (const row of rows) printRow(row);
  if (hashes) printAlone(alone, rows);
  return rows;
}

async function profile(
  operation: Operation,
  targets: readonly Target[],
  { profileTo, ...slice }: Amount & { seconds: number; profileTo: string },
): Promise<void> {
  for (const target of targets)
    await profileSlice(target, operation, {
      ...slice,
      file: path.join(profileTo, `${operation.name}-${target.name}.cpuprofile`),
    });
}
