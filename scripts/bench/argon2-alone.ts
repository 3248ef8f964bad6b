import { fork } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { performance } from 'node:perf_hooks';
import { hash, verify } from 'argon2';
import { settingsSchema } from '../../src/settings/schema.ts';

/** What argon2id alone allows on these cores, at the cost that passwords have by default. */
export type Argon2Alone = { rps: number; cpuMs: number };

/** In a process of its own, as the server is. */
export async function measureArgon2(seconds: number): Promise<Argon2Alone> {
  const child = fork(process.argv[1] as string, ['--argon2', String(seconds)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const exited = once(child, 'exit').then(() => Promise.reject(new Error('argon2 was not measured')));
  const [measured] = await Promise.race([once(child, 'message'), exited]);
  child.disconnect();
  await exited.catch(() => {});
  return measured as Argon2Alone;
}

export function printAlone(rounds: readonly Argon2Alone[]): void {
  const rates = rounds.map(({ rps }) => rps.toFixed(0)).join(', ');
  const least = Math.min(...rounds.map(({ cpuMs }) => cpuMs)).toFixed(1);
  console.log(`argon2id alone: ${rates} a second in each round, ${least} ms CPU each`);
}

/** The child's part: as many at once as the server lets run. */
export async function hashAlone(seconds: number): Promise<void> {
  const { ARGON2_MEMORY_KIB: memoryCost, ARGON2_PASSES: timeCost } = settingsSchema.parse({});
  const made = await hash('correct-horse-battery', { memoryCost, timeCost, parallelism: 1 });
  let hashes = 0;
  const before = process.cpuUsage();
  const start = performance.now();
  await Promise.all(
    Array.from({ length: availableParallelism() }, async () => {
      while (performance.now() - start < seconds * 1000) {
        await verify(made, 'correct-horse-battery');
        hashes += 1;
      }
    }),
  );
  const elapsed = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(before);
  process.send?.({ rps: hashes / elapsed, cpuMs: (user + system) / 1000 / hashes } satisfies Argon2Alone);
}
