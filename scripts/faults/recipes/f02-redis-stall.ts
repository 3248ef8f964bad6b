import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { figuresOf } from '../figures.ts';
import { now } from '../ledger.ts';
import { type Measured, type Recipe, underLoad } from '../recipe.ts';
import { asAdmin } from '../redis-kinds.ts';
import { only503, withinMs, zero } from '../targets.ts';

/** F2: Redis is there and does not answer: to nobody, to who writes, or because it is busy with itself. */
type Stall = { name: string; from: number; to: number };

/** Between two of them, for everything to be well again. */
const restMs = 3000;
const slowestMs = 1500;

export const redisStall: Recipe = {
  name: 'F2',
  title: 'Redis stall',
  bed: { redisConfig: ['enable-debug-command local'] },
  async play(stage, effort) {
    const [server] = stage.bed.redis.servers;
    if (!server) throw new Error('no Redis');
    const stalls: Stall[] = [];
    const stall = async (name: string, leastMs: number, cause: (redis: Redis) => Promise<unknown>) => {
      const from = now();
      await asAdmin(server.url, cause);
      const to = now();
      // The order itself, or the question after it, was kept waiting as long as the servers were.
      if (to - from < leastMs) throw new Error(`${name} took ${Math.round(to - from)} ms only`);
      stalls.push({ name, from, to });
      await sleep(restMs);
    };
    const fault = async () => {
      await stall('CLIENT PAUSE 5000 ALL', 4500, async (redis) => {
        await redis.client('PAUSE', 5000, 'ALL');
        await redis.ping();
      });
      await stall('CLIENT PAUSE 5000 WRITE', 4500, async (redis) => {
        await redis.client('PAUSE', 5000, 'WRITE');
        await redis.set('{faults}:written', '1', 'PX', 1000);
      });
      for (let times = 0; times < Math.min(10, 3 * effort.length); times += 1)
        await stall('DEBUG SLEEP 2', 1900, (redis) => redis.call('DEBUG', 'SLEEP', '2'));
      return stalls.map(({ name, from, to }) => `${name}: Redis answered after ${Math.round(to - from)} ms`);
    };
    const played = await underLoad(stage, effort, fault);
    const { findings, ledger } = stage;
    const of = (name: string) => stalls.filter((one) => one.name === name);
    const during = (name: string): Measured[] => {
      const some = ledger.entries.filter(({ start }) =>
        of(name).some(({ from, to }) => start >= from && start < to),
      );
      const figures = figuresOf(some, { since: 0, until: Number.POSITIVE_INFINITY });
      return [
        only503(`answers in ${name}`, figures),
        withinMs(`slowest answer in ${name}`, figures.worst, slowestMs),
      ];
    };
    const between = stalls.map(({ to }, place) => {
      // Whoever asks in the last of these seconds may meet the next stall.
      const next = stalls[place + 1]?.from ?? Number.POSITIVE_INFINITY;
      return figuresOf(ledger.entries, { since: to, until: next - slowestMs });
    });
    const lateErrors = between.map(({ errors, lastErrorAfterFault }) =>
      errors === 0 ? 0 : lastErrorAfterFault,
    );
    return {
      proof: played.proof,
      voided: played.voided,
      measured: [
        ...['CLIENT PAUSE 5000 ALL', 'CLIENT PAUSE 5000 WRITE', 'DEBUG SLEEP 2'].flatMap(during),
        withinMs('last error after it answers again', Math.max(...lateErrors), 2000),
        withinMs('slowest answer then', Math.max(...between.map(({ worst }) => worst)), slowestMs),
        zero('acknowledged writes lost', findings.count('I3') + findings.count('I4')),
        zero('false alarms, and honest retries refused', played.alarms + findings.count('I6')),
      ],
    };
  },
};
