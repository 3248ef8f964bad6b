import { startPostgres, startRedis, startRedisCluster, startRedisSentinel } from '../support/servers.mjs';
import {
  clusterStores,
  embeddedStores,
  jitteryStores,
  type RaceStores,
  redisStores,
  sentinelStores,
} from './kinds.ts';

export const raceKinds = ['embedded', 'redis', 'cluster', 'sentinel', 'jitter'] as const;
export type RaceKind = (typeof raceKinds)[number];

/** Starts the servers of a kind, for it alone; `close` of the answer ends them too. */
export async function openKind(kind: RaceKind): Promise<RaceStores> {
  if (kind === 'embedded') return embeddedStores();
  const stopping: (() => Promise<void>)[] = [];
  async function started<Server extends { stop(): Promise<void> }>(server: Promise<Server>): Promise<Server> {
    const running = await server;
    stopping.push(() => running.stop());
    return running;
  }
  const stop = async () => {
    for (const one of stopping.reverse()) await one();
  };
  try {
    const { url: postgres } = await started(startPostgres());
    const stores = await openers[kind](postgres, started);
    return { ...stores, close: () => stores.close().finally(stop) };
  } catch (problem) {
    await stop();
    throw problem;
  }
}

type Started = <Server extends { stop(): Promise<void> }>(server: Promise<Server>) => Promise<Server>;
type Opener = (postgres: string, started: Started) => Promise<RaceStores>;

const openers: Record<Exclude<RaceKind, 'embedded'>, Opener> = {
  redis: async (postgres, started) => redisStores({ postgres, redis: (await started(startRedis())).url }),
  jitter: async (postgres, started) => jitteryStores({ postgres, redis: (await started(startRedis())).url }),
  async cluster(postgres, started) {
    const { url, nodes } = await started(startRedisCluster());
    return clusterStores({ url, nodes: nodes.map((node) => node.url), postgres });
  },
  async sentinel(postgres, started) {
    // Nobody takes the primary away here (F4 to F6 do): a machine that is busy for a second is no reason for a failover.
    const { url, nodes } = await started(startRedisSentinel({ downAfterMs: 60_000 }));
    return sentinelStores({ url, primary: String(nodes[0]?.url), postgres });
  },
};
