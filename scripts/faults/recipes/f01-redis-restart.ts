import { setTimeout as sleep } from 'node:timers/promises';
import { figuresOf } from '../figures.ts';
import { now } from '../ledger.ts';
import { type Effort, type Played, type Recipe, underLoad } from '../recipe.ts';
import { asAdmin, infoOf } from '../redis-kinds.ts';
import type { Stage } from '../stage.ts';
import { only503, withinMs, zero } from '../targets.ts';

/** F1: Redis goes away with all its data on disk, stays away, and comes back. */
export const redisRestart: Recipe = { name: 'F1', title: 'Redis restart', bed: {}, play };

/** The same with a Redis that forgets: shows that a loss is seen. Not among those that are run by default. */
export const forgetfulRedis: Recipe = {
  name: 'F1-unsafe',
  title: 'The same, without a log',
  bed: { redisConfig: ['appendonly no'] },
  play,
};

async function play(stage: Stage, effort: Effort): Promise<Played> {
  const [server] = stage.bed.redis.servers;
  if (!server) throw new Error('no Redis');
  const away = Math.min(10_000, 5000 * effort.length);
  let back = 0;
  const fault = async (began: number) => {
    const before = { pid: server.pid, run: await infoOf(server.url, 'server', 'run_id') };
    await asAdmin(server.url, (redis) => redis.call('SHUTDOWN', 'NOSAVE')).catch(() => {});
    await sleep(away);
    await server.restart();
    back = now();
    const run = await infoOf(server.url, 'server', 'run_id');
    if (run === before.run || server.pid === before.pid) throw new Error('Redis did not restart');
    return [
      `Redis ${before.pid} ended and came back as ${server.pid} after ${Math.round((back - began) / 1000)} s`,
    ];
  };
  const played = await underLoad(stage, effort, fault);
  const during = figuresOf(stage.ledger.entries, { since: played.began, until: back });
  const after = figuresOf(stage.ledger.entries, { since: back, until: Infinity });
  const { findings } = stage;
  return {
    proof: played.proof,
    voided: [...played.voided, ...(during.errors === 0 ? ['nobody noticed that Redis was gone'] : [])],
    measured: [
      only503('answers while it is gone', during),
      withinMs('p99 while it is gone', during.p99, 1000),
      withinMs('slowest answer', during.worst, 2000),
      withinMs('last error after it answers again', after.errors === 0 ? 0 : after.lastErrorAfterFault, 1000),
      zero('acknowledged writes lost', findings.count('I3') + findings.count('I4')),
      zero('false alarms', played.alarms + findings.count('I6')),
    ],
  };
}
