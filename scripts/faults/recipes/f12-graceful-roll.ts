import { setTimeout as sleep } from 'node:timers/promises';
import { figuresOf, statusesIn } from '../figures.ts';
import { type Recipe, underLoad } from '../recipe.ts';
import { zero } from '../targets.ts';

/** F12: SIGTERM to one server after the other; each finishes, ends with 0 and is started again before the next. */
export const gracefulRoll: Recipe = {
  name: 'F12',
  title: 'Graceful roll',
  bed: {},
  async play(stage, effort) {
    const { nodes } = stage.bed;
    const exits: (number | null)[] = [];
    const took: number[] = [];
    const fault = async () => {
      for (let round = 0; round < Math.max(2, Math.min(10, Math.round(3 * effort.length))); round += 1)
        for (const node of nodes) {
          const from = performance.now();
          exits.push(await node.term());
          took.push(Math.round(performance.now() - from));
          await node.start();
          // The balancer tries it again two seconds after it was refused.
          await sleep(2200);
        }
      return nodes.map(({ name, pids }) => `${name} was ${pids.join(', then ')}`);
    };
    const played = await underLoad(stage, effort, fault);
    const all = figuresOf(stage.ledger.entries, { since: played.began, until: Number.POSITIVE_INFINITY });
    const { findings } = stage;
    return {
      proof: played.proof,
      voided: played.voided,
      measured: [
        zero(`failed requests in ${exits.length} stops`, all.errors),
        zero('processes that did not end with 0', exits.filter((code) => code !== 0).length),
        { what: 'answers', figure: statusesIn(all), target: 'no 5xx', met: all.errors === 0 },
        {
          what: 'a server needs to finish',
          figure: `${Math.max(...took)} ms at most`,
          target: '<= 11 s',
          met: Math.max(...took) <= 11_000,
        },
        zero('acknowledged writes lost', findings.count('I3') + findings.count('I4')),
        zero('false alarms', played.alarms + findings.count('I6')),
      ],
    };
  },
};
