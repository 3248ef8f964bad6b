import { randomBytes } from 'node:crypto';
import { type FaultProxy, openFaultProxy } from './fault-proxy.ts';
import { unhurried } from './patience.ts';
import { startPostgres } from './servers.mjs';
import { openWorld, type World } from './world.ts';

/** A server whose records lie in a PostgreSQL behind a wire that fails as asked. */
export async function openLossyWorld(): Promise<{ world: World; proxy: FaultProxy; close(): Promise<void> }> {
  const postgres = await startPostgres();
  const proxy = await openFaultProxy(postgres.url);
  const world = await openWorld({
    ...unhurried,
    DATABASE_URL: proxy.url,
    SECRETS_KEY: randomBytes(32).toString('base64url'),
    COOKIE_KEYS: randomBytes(32).toString('base64url'),
  });
  return {
    world,
    proxy,
    async close() {
      await world.close();
      await proxy.close();
      await postgres.stop();
    },
  };
}
