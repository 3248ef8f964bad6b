import { fork } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import * as ours from '@node-rs/argon2';
import * as plain from 'argon2';
import { settingsSchema } from '../../src/settings/schema.ts';
import type { Load } from './load.ts';
import {
  clockMs,
  leastCost,
  overlap,
  type Piece,
  type Quiet,
  quietPart,
  type Standstill,
  watchCpu,
  watchStandstills,
} from './quiet.ts';
import type { DetailedRow } from './report.ts';

/**
 * What argon2id alone allows on these cores, at the cost that passwords have in the servers: by the plain package of the
 * reference implementation, which is the yardstick, and by the library that the server hashes with.
 */
export type Argon2Alone = { plain: Alone; ours: Alone };
type Alone = { rps: number; quiet: Quiet };
/** When each hash was over, and the CPU meanwhile. */
type Hashed = Pick<Load, 'from' | 'to' | 'ends'> & { pieces: Piece[] };

/** In a process of its own, as the server is. */
export async function measureArgon2(seconds: number): Promise<Argon2Alone> {
  const child = fork(process.argv[1] as string, ['--argon2', String(seconds)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const exited = once(child, 'exit').then(() => Promise.reject(new Error('argon2 was not measured')));
  // Not in the child: there whatever is begun waits for the hashes.
  const machine = watchStandstills();
  const [hashed] = (await Promise.race([once(child, 'message'), exited])) as [
    Record<keyof Argon2Alone, Hashed>,
  ];
  const standstills = machine();
  child.disconnect();
  await exited.catch(() => {});
  return {
    plain: withoutStandstills(hashed.plain, standstills),
    ours: withoutStandstills(hashed.ours, standstills),
  };
}

function withoutStandstills({ pieces, ...hashes }: Hashed, standstills: readonly Standstill[]): Alone {
  const ms = hashes.to - hashes.from - overlap(hashes, standstills);
  return { rps: (1000 * hashes.ends.length) / ms, quiet: quietPart(pieces, { ...hashes, standstills }) };
}

export function printAlone(rounds: readonly Argon2Alone[], rows: readonly DetailedRow[]): void {
  const most = (of: keyof Argon2Alone) => Math.max(...rounds.map((round) => round[of].rps)).toFixed(0);
  const least = (of: keyof Argon2Alone) => leastCost(rounds.map((round) => round[of].quiet));
  const shares = rows.map(({ target, share_of_own_hash: share }) => `${share?.toFixed(2)} on ${target}`);
  console.log(`argon2id alone, plain: ${most('plain')} a second, ${least('plain').toFixed(1)} ms CPU each`);
  console.log(`argon2id alone, ours: ${most('ours')} a second, ${least('ours').toFixed(1)} ms CPU each;`);
  console.log(`  that is of a sign-in's CPU ${shares.join(', ')}`);
}

/** The settings of the bench's environment that a hash's cost depends on; where none is set, passwords cost what they do by default. */
export function costOfPasswords(): Record<string, string> {
  const given = ['ARGON2_MEMORY_KIB', 'ARGON2_PASSES'].map((name) => [name, process.env[name]]);
  return Object.fromEntries(given.filter(([, value]) => value !== undefined));
}

/** The child's part: as many at once as the server lets run. */
export async function hashAlone(seconds: number): Promise<void> {
  const { ARGON2_MEMORY_KIB: memoryCost, ARGON2_PASSES: timeCost } = settingsSchema.parse(costOfPasswords());
  const made = await ours.hash('correct-horse-battery', { memoryCost, timeCost, parallelism: 1 });
  const hashed: Record<keyof Argon2Alone, Hashed> = {
    plain: await verifying(() => plain.verify(made, 'correct-horse-battery'), seconds / 2),
    ours: await verifying(() => ours.verify(made, 'correct-horse-battery'), seconds / 2),
  };
  process.send?.(hashed);
}

async function verifying(verify: () => Promise<boolean>, seconds: number): Promise<Hashed> {
  const ends: number[] = [];
  const cpu = watchCpu();
  const from = clockMs();
  await Promise.all(
    Array.from({ length: availableParallelism() }, async () => {
      while (clockMs() - from < seconds * 1000) {
        if (!(await verify())) throw new Error('not the hash that was made');
        ends.push(clockMs());
      }
    }),
  );
  return { from, to: clockMs(), ends, pieces: cpu() };
}
