import { setTimeout as sleep } from 'node:timers/promises';
import { figuresOf } from '../figures.ts';
import { now } from '../ledger.ts';
import { type Effort, type Measured, type Recipe, underLoad } from '../recipe.ts';
import { asAdmin, durable, infoOf } from '../redis-kinds.ts';
import type { Stage } from '../stage.ts';
import { only503, withinMs, zero } from '../targets.ts';

/** As docs/operations.md says: a primary that nobody follows takes no writes. */
export const watched = [...durable, 'min-replicas-to-write 1', 'min-replicas-max-lag 2'];

/** F4: kill -9 of the primary that sentinels watch; it comes back later, as a replica. */
export const sentinelFailover: Recipe = {
  name: 'F4',
  title: 'Sentinel failover',
  bed: { redis: 'sentinel', redisConfig: watched },
  play: (stage, effort) =>
    failOver(stage, effort, { times: Math.max(1, Math.min(3, Math.round(effort.length))) }),
};

/**
 * F5: the replicas stand still and what they have not read fills the way to them, so that the primary dies with writes that
 * nobody else has.
 */
export const laggingReplicas: Recipe = {
  name: 'F5',
  title: 'Failover with lagging replicas',
  bed: { redis: 'sentinel', redisConfig: watched },
  play: (stage, effort) => failOver(stage, effort, { times: 1, first: holdUpReplicas }),
};

/** What F5 finds when nobody waits for replicas: shows that it would see a loss. Not among those that are run by default. */
export const withoutWaiting: Recipe = {
  ...laggingReplicas,
  name: 'F5-unsafe',
  title: 'The same, with REDIS_WAIT_REPLICAS=0',
  bed: { redis: 'sentinel', redisConfig: durable, settings: { REDIS_WAIT_REPLICAS: '0' } },
};

async function failOver(
  stage: Stage,
  effort: Effort,
  { times, first }: { times: number; first?: (stage: Stage) => Promise<() => void> },
) {
  const { sentinel } = stage.bed.redis;
  if (!sentinel) throw new Error('needs sentinels');
  const kills: { at: number; over: number; promoted: number }[] = [];
  const fault = async () => {
    const proof: string[] = [];
    for (let time = 0; time < times; time += 1) {
      const primary = await sentinel.primary();
      if (!primary) throw new Error('no primary');
      const release = await first?.(stage);
      const at = now();
      await primary.kill();
      release?.();
      const next = await until(10_000, async () => {
        const other = await sentinel.primary();
        return other && other !== primary && (await infoOf(other.url, 'replication', 'role')) === 'master'
          ? other
          : undefined;
      });
      const promoted = now();
      kills.push({ at, promoted, over: promoted + 5000 });
      proof.push(
        `primary ${primary.port} killed, ${next.port} is master after ${Math.round(promoted - at)} ms`,
      );
      await sleep(3000);
      await primary.restart();
      await until(60_000, async () =>
        (await infoOf((await sentinel.primary())?.url ?? '', 'replication', 'connected_slaves')) === '2'
          ? true
          : undefined,
      );
      await sleep(1500);
    }
    return proof;
  };
  const played = await underLoad(stage, effort, fault);
  const { findings, ledger } = stage;
  const windows = kills.map(({ at, over }) => figuresOf(ledger.entries, { since: at, until: over }));
  const measured: Measured[] = windows.flatMap((figures, place) => [
    only503(`answers in the eight seconds from kill ${place + 1}`, figures),
    withinMs('last error after the kill', figures.errors === 0 ? 0 : figures.lastErrorAfterFault, 3000),
    withinMs('slowest answer', figures.worst, 2000),
  ]);
  return {
    proof: played.proof,
    voided: played.voided,
    measured: [
      ...measured,
      zero('acknowledged writes lost', findings.count('I1') + findings.count('I3') + findings.count('I4')),
      zero('false alarms', played.alarms + findings.count('I6')),
    ],
  };
}

/** Stops both replicas and fills the buffers on the way to them; answers how to wake them. */
async function holdUpReplicas({ bed }: Stage): Promise<() => void> {
  const { sentinel } = bed.redis;
  const primary = await sentinel?.primary();
  const replicas = bed.redis.servers.filter((server) => server !== primary);
  for (const { pid } of replicas) process.kill(pid, 'SIGSTOP');
  const from = performance.now();
  // With min-replicas-max-lag the primary itself refuses soon; whatever it took by then is on its way to nobody.
  const filler = 'x'.repeat(400_000);
  await asAdmin(primary?.url ?? '', async (redis) => {
    for (let count = 0; count < 50; count += 1)
      await redis.set(`{filler}:${count}`, filler, 'PX', 20_000).catch(() => {});
  });
  await sleep(Math.max(0, 1500 - (performance.now() - from)));
  return () => {
    for (const { pid } of replicas) process.kill(pid, 'SIGCONT');
  };
}

export async function until<Found>(withinMs: number, look: () => Promise<Found | undefined>): Promise<Found> {
  for (const giveUpAt = Date.now() + withinMs; Date.now() < giveUpAt; await sleep(50)) {
    const found = await look().catch(() => undefined);
    if (found !== undefined) return found;
  }
  throw new Error(`did not come about in ${withinMs} ms: ${look}`);
}
