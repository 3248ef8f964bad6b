import { performance } from 'node:perf_hooks';
import { findAccountByIdentifier } from '../../src/accounts/account.ts';
import { type OpenServices, openServices } from '../../src/services.ts';
import { readSettings } from '../../src/settings.ts';
import { offlineApp } from './apps.ts';
import { addCrowd, type Copy } from './crowd.ts';
import { endingOf } from './ending.ts';
import { percentile } from './load.ts';
import { forgetConnections, measureSlice, redisMemory } from './measure.ts';
import { signIn, tokensFor } from './members.ts';
import { introspecting, readingUserinfo, refreshing } from './operations.ts';
import { leastCost } from './quiet.ts';
import { openTarget, type Target } from './targets.ts';

/** What an operation costs with ever more grants and accounts around it; all in one app, which is the worst case. */
export async function growth({ full }: { full: boolean }): Promise<void> {
  const sizes = [1_000, 10_000, 100_000, ...(full ? [1_000_000] : [])];
  console.log('CPU ms of the server per operation (p50 in ms), by the number of grants and accounts\n');
  console.log(
    `${'target'.padEnd(10)}${['crowd', 'refresh', 'introspection', 'userinfo', 'look-up ms', 'Redis B/grant', 'app ended'].map((name) => name.padStart(20)).join('')}`,
  );
  for (const name of ['redis', 'embedded'] as const) {
    const target = await openTarget(name, { people: 1 });
    const services = await openServices(readSettings({ ...target.environment, LOG_LEVEL: 'error' }));
    try {
      await grow(target, services, sizes);
    } finally {
      forgetConnections();
      await services.close();
      await target.stop();
    }
  }
}

async function grow(target: Target, services: OpenServices, sizes: readonly number[]): Promise<void> {
  const [tokens] = await tokensFor(target, [await signIn(target, offlineApp, 0)]);
  const original = {
    accessToken: String(tokens?.['access_token']),
    refreshToken: String(tokens?.['refresh_token']),
  };
  const empty = await redisMemory(target);
  let from = 0;
  for (const to of sizes) {
    const sample = shuffled(await addCrowd(services, original, { from, to }));
    from = to;
    const bytes = ((await redisMemory(target)) - empty) / to;
    const cells = [String(to)];
    for (const make of [refreshing, introspecting, readingUserinfo])
      cells.push(await costOf(target, make, sample));
    cells.push((await lookUpMs(services, sample)).toFixed(2), bytes > 0 ? bytes.toFixed(0) : '-');
    cells.push(await costOfEnding(target, services, { grants: to, sample }));
    console.log(`${target.name.padEnd(10)}${cells.map((cell) => cell.padStart(20)).join('')}`);
  }
}

async function costOf(target: Target, make: typeof refreshing, sample: readonly Copy[]): Promise<string> {
  const work = make(
    target,
    sample.map((copy) => ({ access_token: copy.accessToken, refresh_token: copy.refreshToken })),
  );
  const operation = { name: 'growth', prepare: async () => work };
  const slices = [];
  for (let round = 0; round < 3; round += 1)
    slices.push(await measureSlice(target, operation, { workers: 8, operations: 0, seconds: 1 }));
  const least = leastCost(slices.map(({ quiet }) => quiet));
  const p50 = percentile(
    slices.flatMap(({ latencies }) => latencies),
    0.5,
  );
  return `${least.toFixed(2)} (${p50.toFixed(1)})`;
}

/** Another app of as many is disabled: ms for each grant, the seconds of it, and what a look at a token waits meanwhile (p99). */
async function costOfEnding(
  target: Target,
  services: OpenServices,
  { grants, sample }: { grants: number; sample: readonly Copy[] },
): Promise<string> {
  const work = introspecting(
    target,
    sample.map((copy) => ({ access_token: copy.accessToken })),
  );
  const { perGrant, seconds, meanwhileP99 } = await endingOf(target, services, { grants, work });
  return `${perGrant.toFixed(3)} ${seconds.toFixed(1)}s (${meanwhileP99.toFixed(1)})`;
}

/** Finding an account by its address, as a sign-in does before it checks the password. */
async function lookUpMs(services: OpenServices, sample: readonly Copy[]): Promise<number> {
  const times: number[] = [];
  for (const { address, accountId } of sample.slice(0, 500)) {
    const before = performance.now();
    const found = await findAccountByIdentifier(services, { channel: 'email', address });
    times.push(performance.now() - before);
    if (found?.id !== accountId) throw new Error('somebody else was found');
  }
  return percentile(times, 0.5);
}

function shuffled<Item>(items: readonly Item[]): Item[] {
  return items
    .map((item) => ({ item, place: Math.random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item);
}
