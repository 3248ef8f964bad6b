import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { refuse } from '../arguments.ts';
import { readCpuProfile } from './cpu-profile.ts';
import { operations } from './operations.ts';

/** Who spends the main thread's time, by what a cause is called. The first that fits it has it. */
const spenders: [string, RegExp][] = [
  ['Redis: ioredis, our line to it', /^(ioredis|denque|redis-parser|src\/store\/(live|once-more|in-doubt))/],
  ['records: pg, kysely, copies in the process', /^(pg\b|pg-|kysely|src\/store\/)/],
  ['signing', /^(src\/oidc\/keys\/|jose)/],
  ['digests, ids, seals: `src/kit`', /^src\/kit\//],
  ['the engine', /^oidc-provider/],
  ['the direct ways: `src/oidc/direct`, without the answer', /^src\/oidc\/direct\/(?!answer\.ts)/],
  ['writing the answer', /^src\/oidc\/direct\/answer\.ts/],
  ['`src/oidc`, the rest', /^src\/oidc\//],
  ['`src/web`: headers, words, pages', /^src\/web\//],
  ['limits, audit, credentials, actions, pages of the sign-in', /^(src|interactions|clients)\//],
  ['garbage collection', /^garbage collector/],
  ['Node by itself: http, net', /^node$/],
];
const others = 'Koa, log, other packages';

/** Prints the table of docs/performance.md from our profiles on Redis, of a folder that `--profile` has filled. */
export function printShares(folder: string): void {
  const files = existsSync(folder) ? readdirSync(folder) : [];
  const profiled = operations
    .map(({ name }) => ({ name, file: `${name}-redis.cpuprofile` }))
    .filter(({ file }) => files.includes(file));
  if (profiled.length === 0)
    refuse(`--shares: in ${folder} is no profile of ours on Redis; --profile makes some.`);
  const columns = profiled.map(({ file }) => sharesOf(path.join(folder, file)));
  console.log(`| | ${profiled.map(({ name }) => name).join(' | ')} |`);
  console.log(`|---|${'---|'.repeat(profiled.length)}`);
  for (const spender of [...spenders.map(([name]) => name), others])
    console.log(`| ${spender} | ${columns.map((shares) => shares.get(spender) || '').join(' | ')} |`);
}

/** Whole percents of the busy time. */
function sharesOf(file: string): Map<string, number> {
  const { busy, causes } = readCpuProfile(file);
  const sums = new Map<string, number>();
  for (const [cause, time] of causes) {
    const spender = spenders.find(([, pattern]) => pattern.test(cause))?.[0] ?? others;
    sums.set(spender, (sums.get(spender) ?? 0) + time);
  }
  return new Map([...sums].map(([spender, time]) => [spender, Math.round((100 * time) / busy)]));
}
