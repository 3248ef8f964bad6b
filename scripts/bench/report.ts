import type { Argon2Alone } from './argon2-alone.ts';
import { percentile } from './load.ts';
import type { Slice } from './measure.ts';
import { leastCost, type Quiet } from './quiet.ts';
import type { TargetName } from './targets.ts';

/** One line of the result: the members up to `ratio` are the JSON's, in its names and units. */
type Row = {
  operation: string;
  target: TargetName;
  rps: number;
  cpu_ms: number;
  p50_ms: number;
  p99_ms: number;
  round_trips: number;
  ratio: number;
  /** Of password sign-ins: what part of the CPU the hash is that the server itself makes. */
  share_of_own_hash?: number;
};
export type DetailedRow = Row & { redisMs: number; calls: { redis: number; sql: number } };

export type Measured = {
  target: TargetName;
  slices: Slice[];
  calls: { roundTrips: number; redis: number; sql: number };
};

/**
 * CPU is the smallest of the rounds, rates and times are of all rounds together; of none counts what the machine took. `ratio` is the yardstick's CPU by the target's. For password sign-ins the yardstick is argon2id alone, by the
 * plain package; `share_of_own_hash` is the same by the library that the server hashes with, and cannot be above 1.
 */
export function toRows(
  operation: string,
  measured: readonly Measured[],
  argon2: readonly Argon2Alone[] = [],
): DetailedRow[] {
  const smallest = (rounds: readonly { quiet: Quiet }[]) => leastCost(rounds.map(({ quiet }) => quiet));
  const yardstick = measured.find(({ target }) => target === 'yardstick');
  return measured.map(({ target, slices, calls }) => {
    const latencies = slices.flatMap((slice) => slice.latencies);
    const rps = latencies.length / slices.reduce((sum, { seconds }) => sum + seconds, 0);
    const cpu = smallest(slices);
    const compared = argon2.length > 0 ? argon2.map(({ plain }) => plain) : yardstick?.slices;
    const ratio = compared ? smallest(compared) / cpu : 0;
    return {
      operation,
      target,
      rps: rounded(rps, 1),
      cpu_ms: rounded(cpu, 4),
      p50_ms: rounded(percentile(latencies, 0.5), 2),
      p99_ms: rounded(percentile(latencies, 0.99), 2),
      round_trips: rounded(calls.roundTrips, 1),
      ratio: rounded(ratio, 3),
      ...(argon2.length > 0 && {
        share_of_own_hash: rounded(smallest(argon2.map(({ ours }) => ours)) / cpu, 3),
      }),
      redisMs: Math.min(...slices.map(({ redisMs }) => redisMs)),
      calls: { redis: calls.redis, sql: calls.sql },
    };
  });
}

export function toJson(rows: readonly DetailedRow[]): string {
  const kept = rows.map(({ redisMs: _redisMs, calls: _calls, ...row }) => row);
  return `${JSON.stringify({ rows: kept }, null, 2)}\n`;
}

const heading = `${'operation'.padEnd(19)}${'target'.padEnd(14)}${[
  'req/s',
  'CPU ms',
  'Redis ms',
  'p50 ms',
  'p99 ms',
  'trips',
  'redis+sql',
  'ratio',
]
  .map((name) => name.padStart(10))
  .join('')}`;

export function printHeading(): void {
  console.log(heading);
}

export function printRow(row: DetailedRow): void {
  const cells = [
    row.rps.toFixed(0),
    row.cpu_ms.toFixed(3),
    row.redisMs > 0 ? row.redisMs.toFixed(3) : '-',
    row.p50_ms.toFixed(1),
    row.p99_ms.toFixed(1),
    row.round_trips.toFixed(1),
    `${row.calls.redis.toFixed(1)}+${row.calls.sql.toFixed(1)}`,
    row.ratio > 0 ? row.ratio.toFixed(2) : '-',
  ];
  console.log(
    `${row.operation.padEnd(19)}${row.target.padEnd(14)}${cells.map((cell) => cell.padStart(10)).join('')}`,
  );
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
