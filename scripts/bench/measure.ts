import { Redis } from 'ioredis';
import { type Load, runLoad, type Work } from './load.ts';
import type { Amount, Operation } from './operations.ts';
import { overlap, type Quiet, quietPart, type Standstill, watchStandstills } from './quiet.ts';
import type { Target } from './targets.ts';
import { openWire } from './wire.ts';

/** One slice of load on one target. `quiet`: CPU and operations while nothing stood still; `redisMs`: per operation, of all of it. */
export type Slice = Pick<Load, 'seconds' | 'latencies'> & { quiet: Quiet; redisMs: number };

export async function measureSlice(
  target: Target,
  operation: Operation,
  { seconds, ...amount }: Amount & { seconds: number },
): Promise<Slice> {
  const work = await operation.prepare(target, amount);
  const redisBefore = await redisCpu(target);
  await target.process.watch();
  const machine = watchStandstills();
  const load = await runLoad(target, { work, workers: amount.workers, seconds });
  const standstills = machine();
  const pieces = await target.process.watched();
  const redisMs = ((await redisCpu(target)) - redisBefore) / load.operations;
  const quiet = quietPart(pieces, { ...load, standstills });
  return { ...withoutStandstills(load, standstills), quiet, redisMs };
}

/** How long the load and each of its operations took, less what the machine took of that. */
function withoutStandstills(
  { from, to, latencies, ends }: Load,
  standstills: readonly Standstill[],
): Pick<Load, 'seconds' | 'latencies'> {
  const took = (from: number, to: number) => to - from - overlap({ from, to }, standstills);
  return {
    seconds: took(from, to) / 1000,
    latencies: latencies.map((ms, place) => took((ends[place] ?? 0) - ms, ends[place] ?? 0)),
  };
}

/** A slice under the profiler, whose numbers do not count: the profiler costs too. */
export async function profileSlice(
  target: Target,
  operation: Operation,
  { seconds, file, ...amount }: Amount & { seconds: number; file: string },
): Promise<void> {
  const work = await operation.prepare(target, amount);
  await target.process.profile();
  await runLoad(target, { work, workers: amount.workers, seconds });
  await target.process.profile(file);
}

/** Round trips and calls to the stores per operation, one operation at a time. */
export async function countStoreCalls(target: Target, operation: Operation) {
  const times = 10;
  const amount = { workers: 1, operations: times + 2 };
  const work: Work = await operation.prepare(target, amount);
  const wire = await openWire(target.port);
  try {
    // The first ones fill caches.
    for (let warm = 0; warm < 2; warm += 1) await work(wire, 0);
    await target.process.count();
    for (let time = 0; time < times; time += 1) await work(wire, 0);
    const { roundTrips, redis, sql } = await target.process.counted();
    return { roundTrips: roundTrips / times, redis: redis / times, sql: sql / times };
  } finally {
    wire.close();
  }
}

const connections = new Map<string, Redis>();

/** CPU of the target's own Redis so far, in milliseconds; 0 without one. */
async function redisCpu(target: Target): Promise<number> {
  const part = await redisInfo(target, 'cpu');
  return (part('used_cpu_user') + part('used_cpu_sys')) * 1000;
}

/** Bytes that the target's Redis holds; 0 without one. */
export async function redisMemory(target: Target): Promise<number> {
  return (await redisInfo(target, 'memory'))('used_memory');
}

async function redisInfo({ redis }: Target, section: string): Promise<(name: string) => number> {
  if (!redis) return () => 0;
  const known = connections.get(redis.url) ?? new Redis(redis.url);
  connections.set(redis.url, known);
  const info = await known.info(section);
  return (name) => Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)?.[1] ?? 0);
}

export function forgetConnections(): void {
  for (const connection of connections.values()) connection.disconnect();
  connections.clear();
}
