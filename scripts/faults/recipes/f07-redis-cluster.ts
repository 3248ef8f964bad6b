import { execFile } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { findProgram, type TestServer } from '../../../test/support/servers.mjs';
import { figuresOf, statusesIn } from '../figures.ts';
import { now } from '../ledger.ts';
import { type Recipe, underLoad } from '../recipe.ts';
import { asAdmin, durable } from '../redis-kinds.ts';
import { only503, withinMs, zero } from '../targets.ts';
import { until } from './f04-sentinel-failover.ts';

/** F7: slots move from one primary of a Cluster to another under load; then a primary is killed and its replica takes over. */
export const redisCluster: Recipe = {
  name: 'F7',
  title: 'Redis Cluster',
  bed: { redis: 'cluster', redisConfig: durable },
  async play(stage, effort) {
    const { cluster } = stage.bed.redis;
    if (!cluster) throw new Error('needs a Cluster');
    const [first, second, third] = cluster.nodes as [TestServer, TestServer, TestServer];
    const moved = { from: 0, to: 0 };
    const killed = { at: 0, primary: 0, whole: 0 };
    const fault = async () => {
      moved.from = now();
      const slots = await reshard(first, second, Math.min(3000, Math.round(1000 * effort.length)));
      moved.to = now();
      await sleep(2000);
      const id = await idOf(third);
      killed.at = now();
      await third.kill();
      await until(15_000, async () => ((await slotsOf(first, id)) === 0 ? true : undefined));
      killed.primary = now();
      // Brought back at once by what watches over it, as a replica: its shard takes no write that nobody else has.
      await third.restart();
      await until(60_000, async () => ((await healthy(first, cluster.nodes.length)) ? true : undefined));
      killed.whole = now();
      await sleep(4000);
      return [
        `${slots} slots moved in ${Math.round(moved.to - moved.from)} ms`,
        `primary ${third.port} killed, its replica had its slots after ${Math.round(killed.primary - killed.at)} ms`,
        `the Cluster was whole again ${Math.round(killed.whole - killed.at)} ms after the kill`,
      ];
    };
    const played = await underLoad(stage, effort, fault);
    const { findings, ledger, bed } = stage;
    const moving = figuresOf(ledger.entries, { since: moved.from, until: moved.to + 1000 });
    const dying = figuresOf(ledger.entries, { since: killed.at, until: killed.whole + 4000 });
    const afterwards = figuresOf(ledger.entries, { since: killed.whole, until: Number.POSITIVE_INFINITY });
    const said = bed.nodes.map((node) => node.said()).join('\n');
    const count = (word: RegExp) => said.match(word)?.length ?? 0;
    return {
      proof: played.proof,
      voided: played.voided,
      measured: [
        {
          what: 'answers while slots move',
          figure: statusesIn(moving),
          target: 'no errors',
          met: moving.errors === 0,
        },
        withinMs('p99 while slots move', moving.p99, 500),
        only503('answers from the kill on', dying),
        withinMs('another primary after', killed.primary - killed.at, 3000),
        withinMs(
          'last error after the Cluster is whole again',
          afterwards.errors === 0 ? 0 : afterwards.lastErrorAfterFault,
          1000,
        ),
        withinMs('slowest answer', dying.worst, 2000),
        zero('CROSSSLOT in the logs', count(/CROSSSLOT/g)),
        zero('acknowledged writes lost', findings.count('I1') + findings.count('I3') + findings.count('I4')),
        zero('false alarms', played.alarms + findings.count('I6')),
      ],
    };
  },
};

async function idOf({ url }: TestServer): Promise<string> {
  return asAdmin(url, async (redis) => String(await redis.call('CLUSTER', 'MYID')));
}

/** How many slots the node has, as another one sees it. */
async function slotsOf({ url }: TestServer, id: string): Promise<number> {
  const nodes = await asAdmin(url, async (redis) => String(await redis.call('CLUSTER', 'NODES')));
  const ranges = (nodes.split('\n').find((line) => line.startsWith(id)) ?? '').split(' ').slice(8);
  return ranges
    .filter((range) => !range.startsWith('['))
    .reduce((sum, range) => {
      const [low, high = low] = range.split('-').map(Number);
      return sum + Number(high) - Number(low) + 1;
    }, 0);
}

async function healthy({ url }: TestServer, count: number): Promise<boolean> {
  const nodes = await asAdmin(url, async (redis) => String(await redis.call('CLUSTER', 'NODES')));
  const lines = nodes.trim().split('\n');
  return lines.length === count && lines.every((line) => / connected/.test(line) && !/fail/.test(line));
}

/** As an operator does it. */
async function reshard(from: TestServer, to: TestServer, slots: number): Promise<number> {
  const cli = findProgram('redis-cli');
  if (!cli) throw new Error('redis-cli is missing; on Debian: apt-get install redis-tools');
  const [source, target] = [await idOf(from), await idOf(to)];
  const before = await slotsOf(from, source);
  const how = ['--cluster-from', source, '--cluster-to', target, '--cluster-slots', String(slots)];
  // The password by the environment: arguments can be read by everyone on the machine.
  const env = { ...process.env, REDISCLI_AUTH: decodeURIComponent(new URL(from.url).password) };
  await promisify(execFile)(
    cli,
    ['--cluster', 'reshard', `127.0.0.1:${from.port}`, ...how, '--cluster-yes'],
    {
      env,
      maxBuffer: 64 * 1024 * 1024,
      timeout: 90_000,
    },
  );
  const moved = before - (await slotsOf(from, source));
  if (moved < slots / 2) throw new Error(`only ${moved} slots moved`);
  return moved;
}
