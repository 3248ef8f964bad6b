import { startPostgres, startRedis, startRedisCluster } from '../support/servers.mjs';
import { clusterStores, embeddedStores, jitteryStores, type RaceStores, redisStores } from './kinds.ts';

export const raceKinds = ['embedded', 'redis', 'cluster', 'jitter'] as const;
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
    const stores =
      kind === 'cluster'
        ? await clusterStores({ postgres, ...(await startedCluster(started)) })
        : await { redis: redisStores, jitter: jitteryStores }[kind]({
            postgres,
            redis: (await started(startRedis())).url,
          });
    return { ...stores, close: () => stores.close().finally(stop) };
  } catch (problem) {
    await stop();
    throw problem;
  }
}

async function startedCluster(
  started: <Server extends { stop(): Promise<void> }>(server: Promise<Server>) => Promise<Server>,
): Promise<{ url: string; nodes: string[] }> {
  const { url, nodes } = await started(startRedisCluster());
  return { url, nodes: nodes.map((node) => node.url) };
}
