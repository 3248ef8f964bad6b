import { setTimeout as sleep } from 'node:timers/promises';
import { figuresOf } from '../figures.ts';
import { type Entry, now } from '../ledger.ts';
import { type Recipe, underLoad } from '../recipe.ts';
import { withinMs, zero } from '../targets.ts';

/** F11: kill -9 of one of three servers every five seconds; each is started again before the next. */
export const nodeKill: Recipe = {
  name: 'F11',
  title: 'Node kill',
  bed: {},
  async play(stage, effort) {
    const { nodes } = stage.bed;
    const kills: { at: number; node: string; inHand: number }[] = [];
    const fault = async () => {
      const rounds = Math.max(3, Math.min(24, Math.round(6 * effort.length)));
      for (let round = 0; round < rounds; round += 1) {
        const node = nodes[round % nodes.length] as (typeof nodes)[number];
        const next = sleep(5000);
        kills.push({ at: now(), node: `127.0.0.1:${node.port}`, inHand: stage.ledger.open() });
        await node.kill();
        await node.start();
        await next;
      }
      for (const { pids, name } of nodes)
        if (new Set(pids).size < 2) throw new Error(`${name} was never another process`);
      return nodes.map(({ name, pids }) => `${name} was ${pids.join(', then ')}`);
    };
    const lost = (entry: Entry) => entry.status === 502 && kills.some(({ at }) => near(entry, at));
    const played = await underLoad(stage, effort, fault, { allowed: lost });
    const failed = stage.ledger.entries.filter(
      ({ kind, status }) => kind !== 'probe' && (status === 0 || status >= 500),
    );
    const gets = failed.filter(({ kind }) => ['authorize', 'page', 'resume', 'userinfo'].includes(kind));
    const windows = kills.map(({ at }) => {
      const some = failed.filter((entry) => near(entry, at));
      return some.length === 0 ? 0 : Math.max(...some.map(({ end }) => end)) - at;
    });
    const inHand = kills.reduce((sum, one) => sum + one.inHand, 0);
    const all = figuresOf(stage.ledger.entries, { since: played.began, until: played.ended });
    const { findings } = stage;
    return {
      proof: played.proof,
      voided: played.voided,
      measured: [
        {
          what: `failed requests in ${kills.length} kills`,
          figure: `${failed.length} (${[...new Set(failed.map(({ status }) => status))].join(', ') || 'none'})`,
          target: `<= ${inHand}, those in hand`,
          met: failed.length <= inHand,
        },
        zero('of them GET', gets.length),
        withinMs('last error after a kill', Math.max(0, ...windows), 100),
        withinMs('p99', all.p99, 500),
        zero('acknowledged writes lost', findings.count('I3') + findings.count('I4')),
        zero('false alarms, and honest retries refused', played.alarms + findings.count('I6')),
      ],
    };
  },
};

/** Under way at the moment of a kill, or begun in the second after it. */
function near({ start, end }: Entry, at: number): boolean {
  return end >= at && start < at + 1000;
}
