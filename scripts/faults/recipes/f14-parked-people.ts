import { setTimeout as sleep } from 'node:timers/promises';
import { byEight } from '../by-eight.ts';
import { makeAccounts, type Parked, pages } from '../parking.ts';
import type { Measured, Recipe } from '../recipe.ts';
import type { Stage } from '../stage.ts';

/**
 * F14: people stand on every page while the servers are restarted one by one, then all at once by kill -9, then Redis. After
 * each a third of them goes on, so that the last third has been through everything.
 */
type Standing = Parked & { page: string; after: number };

export const parkedPeople: Recipe = {
  name: 'F14',
  title: 'Interactions across restarts',
  // Hundreds come within minutes here, which may cost work elsewhere.
  bed: { settings: { CHALLENGE_BITS: '0' } },
  async play(stage, { length }) {
    const { bed } = stage;
    const each = Math.max(3, Math.min(200, Math.round(67 * length)));
    const standing = await parkAll(stage, each);
    const proof: string[] = [];
    const measured: Measured[] = [];
    for (const [place, { name, restart }] of stages.entries()) {
      const before = [...bed.nodes.map(({ pid }) => pid), bed.redis.servers[0]?.pid];
      await restart(stage);
      // The balancer tries a server again two seconds after it was refused.
      await sleep(2500);
      const now = [...bed.nodes.map(({ pid }) => pid), bed.redis.servers[0]?.pid];
      const changed = now.filter((pid, at) => pid !== before[at]).length;
      proof.push(`${name}: ${changed} processes are others`);
      if (changed !== (place === 2 ? 1 : 3)) throw new Error(`${name}: ${changed} processes are others`);
      measured.push(
        await goOn(
          stage,
          name,
          standing.filter(({ after }) => after === place),
        ),
      );
    }
    return { proof: [`${standing.length} people stood on ${pages.length} pages`, ...proof], measured };
  },
};

const stages: readonly { name: string; restart(stage: Stage): Promise<void> }[] = [
  {
    name: 'servers one by one',
    async restart({ bed }) {
      for (const node of bed.nodes) {
        await node.term();
        await node.start();
      }
    },
  },
  {
    name: 'all servers at once, by kill -9',
    async restart({ bed }) {
      await Promise.all(bed.nodes.map((node) => node.kill()));
      await Promise.all(bed.nodes.map((node) => node.start()));
    },
  },
  {
    name: 'Redis, which keeps a log',
    async restart({ bed }) {
      const [redis] = bed.redis.servers;
      await redis?.kill();
      await redis?.restart();
    },
  },
];

async function parkAll(stage: Stage, each: number): Promise<Standing[]> {
  const places = pages.flatMap((page) =>
    Array.from({ length: each }, (_, after) => ({ page, after: after % 3 })),
  );
  const accounts = await makeAccounts(
    stage.bed,
    places.map(({ page }, place) => ({
      address: `parked${place}@example.com`,
      totp: page.name === 'second step',
    })),
  );
  const standing: Standing[] = [];
  await byEight(places, async ({ page, after }, place) => {
    const account = accounts[place] as (typeof accounts)[number];
    for (let tries = 1; ; tries += 1)
      try {
        standing.push({ ...(await page.park(stage.bed, account)), page: page.name, after });
        return;
      } catch (error) {
        // Nothing is broken yet, but eight at once are many for a small machine.
        if (tries === 5) throw error;
        await sleep(1000);
      }
  });
  return standing;
}

async function goOn({ findings }: Stage, name: string, some: readonly Standing[]): Promise<Measured> {
  let continued = 0;
  await byEight(some, async ({ person, page, goOn }) => {
    const well = await goOn().catch((error: unknown) => String(error).slice(0, 200));
    if (well === true) continued += 1;
    else {
      const seen = well === false ? `${person.status} ${person.heading} ${person.alert ?? ''}` : well;
      findings.add('target', `somebody on the page "${page}" could not go on after: ${name}`, seen);
    }
  });
  const rate = (continued / some.length) * 100;
  return {
    what: `went on after: ${name}`,
    figure: `${continued} of ${some.length} (${Math.floor(rate * 100) / 100} %)`,
    target: '100 %',
    met: continued === some.length,
  };
}
