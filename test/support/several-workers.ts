import { type StartedServer, startServerProcess, untilReady } from './started-server.ts';
import { ownRedisDatabase, preparedPlace } from './stores.ts';
import { until } from './timing.ts';

/** A server of two processes (WORKERS) on stores of its own; `remove` takes the records away. */
export async function startWorkers(
  settings: Record<string, string> = {},
  { node }: { node?: string } = {},
): Promise<StartedServer & { remove(): Promise<void> }> {
  const place = await preparedPlace();
  const server = await startServerProcess(
    {
      WORKERS: '2',
      DATABASE_URL: place.at.url ?? '',
      REDIS_URL: await ownRedisDatabase(),
      SECRETS_KEY: Buffer.alloc(32, 9).toString('base64url'),
      COOKIE_KEYS: 'a-cookie-key-for-tests-of-more-than-32-characters',
      LOG_LEVEL: 'info',
      ...settings,
    },
    node,
  );
  return { ...server, remove: () => place.remove() };
}

export async function untilAllListen(server: StartedServer): Promise<void> {
  await untilReady(server);
  await until(() => pidsOf(server).length === 2);
}

/** Who serves now: those that said that they listen, in this order. */
export function pidsOf({ said }: StartedServer): number[] {
  return [...said().matchAll(/"pid":(\d+),.*"listening"/g)].map(([, pid]) => Number(pid));
}
