import { setTimeout as sleep } from 'node:timers/promises';
import { figuresOf } from '../figures.ts';
import { now } from '../ledger.ts';
import { type Recipe, underLoad } from '../recipe.ts';
import { asAdmin, infoOf } from '../redis-kinds.ts';
import { only503, withinMs, zero } from '../targets.ts';
import { until, watched } from './f04-sentinel-failover.ts';

/**
 * F6: the primary and one server are cut off from everybody else and go on talking to each other, while the others choose
 * another primary; then the cut heals. The cut: the primary changes its password, by which those who come anew are strangers
 * to it, and hangs up on the replicas and sentinels; and the one server's way to the sentinels falls silent.
 */
export const splitBrain: Recipe = {
  name: 'F6',
  title: 'Old primary returns',
  bed: { redis: 'sentinel', redisConfig: watched, sentinelProxies: true },
  async play(stage, effort) {
    const { bed, findings, ledger } = stage;
    const { sentinel } = bed.redis;
    if (!sentinel) throw new Error('needs sentinels');
    const apartMs = Math.min(12_000, 8000 * effort.length + 4000);
    const window = { from: 0, to: 0 };
    const fault = async () => {
      const primary = await sentinel.primary();
      if (!primary) throw new Error('no primary');
      const { password } = new URL(primary.url);
      window.from = now();
      const asked = await asAdmin(primary.url, async (redis) => {
        for (const proxy of bed.sentinelProxies) proxy.silence(true);
        await redis.config('SET', 'requirepass', 'while it is apart');
        await redis.call('CLIENT', 'KILL', 'TYPE', 'replica');
        await hangUpOnSentinels(redis);
        const next = await until(15_000, async () => {
          const other = await sentinel.primary();
          return other && other !== primary && (await infoOf(other.url, 'replication', 'role')) === 'master'
            ? other
            : undefined;
        });
        await sleep(Math.max(0, window.from + apartMs - now()));
        // Two primaries at once, or this was no split.
        const role = String(((await redis.call('ROLE')) as unknown[])[0]);
        await redis.config('SET', 'requirepass', decodeURIComponent(password));
        return { next, role };
      });
      for (const proxy of bed.sentinelProxies) proxy.silence(false);
      window.to = now();
      if (asked.role !== 'master') throw new Error(`the old primary was ${asked.role} meanwhile`);
      await until(20_000, async () =>
        (await infoOf(primary.url, 'replication', 'role')) === 'slave' ? true : undefined,
      );
      const demoted = now();
      await sleep(2000);
      return [
        `${asked.next.port} became master while ${primary.port} still was one, for ${Math.round((window.to - window.from) / 1000)} s`,
        `${primary.port} is its replica ${Math.round((demoted - window.to) / 1000)} s after the cut healed`,
      ];
    };
    const played = await underLoad(stage, effort, fault, { after: 4000 });
    const apart = bed.nodes[0];
    const mine = `127.0.0.1:${apart?.port}`;
    const byLoser = ledger.entries.filter(({ nodes, kind }) => nodes.at(-1) === mine && kind !== 'probe');
    const during = figuresOf(byLoser, { since: window.from + 1000, until: window.to });
    const others = figuresOf(
      ledger.entries.filter((entry) => !byLoser.includes(entry)),
      { since: window.from, until: window.to },
    );
    const after = figuresOf(ledger.entries, { since: window.to, until: Number.POSITIVE_INFINITY });
    return {
      proof: played.proof,
      voided: [
        ...played.voided,
        ...(during.errors === 0 ? ['the server that was cut off did not notice'] : []),
      ],
      measured: [
        only503('answers of the server that is cut off', during),
        only503('answers of the others', others),
        withinMs(
          'last error of the others after the cut',
          others.errors === 0 ? 0 : others.lastErrorAfterFault,
          4000,
        ),
        withinMs('last error after it healed', after.errors === 0 ? 0 : after.lastErrorAfterFault, 15_000),
        withinMs('slowest answer', Math.max(during.worst, others.worst), 2000),
        zero('acknowledged writes lost', findings.count('I1') + findings.count('I3') + findings.count('I4')),
        zero('false alarms', played.alarms + findings.count('I6')),
      ],
    };
  },
};

/** They call themselves sentinel-<id>-<what for>. */
async function hangUpOnSentinels(redis: {
  client(what: 'LIST'): Promise<unknown>;
  call(...words: [string, ...string[]]): Promise<unknown>;
}) {
  const clients = String(await redis.client('LIST')).split('\n');
  for (const line of clients) {
    const id = /^id=(\d+) .*\bname=sentinel-/.exec(line)?.[1];
    if (id) await redis.call('CLIENT', 'KILL', 'ID', id);
  }
}
