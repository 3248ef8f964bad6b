import { type FaultProxy, openFaultProxy } from '../support/fault-proxy.ts';
import { startPostgres, startRedis } from '../support/servers.mjs';
import { type RaceStores, redisStores } from './kinds.ts';

/** PostgreSQL and Redis, each behind a wire that fails as asked, for the servers and for those who prepare. `patience`: settings. */
export type LossyStores = RaceStores & { records: FaultProxy; live: FaultProxy };

export async function lossyStores(patience: Record<string, string>): Promise<LossyStores> {
  const [postgres, redis] = [await startPostgres(), await startRedis()];
  const stores = await redisStores({ postgres: postgres.url, redis: redis.url });
  const { DATABASE_URL = '', REDIS_URL = '' } = stores.environment;
  const [records, live] = [await openFaultProxy(DATABASE_URL), await openFaultProxy(REDIS_URL)];
  const environment = {
    ...stores.environment,
    ...patience,
    DATABASE_URL: records.url,
    REDIS_URL: live.url,
  };
  return {
    ...stores,
    kind: 'lossy',
    environment,
    direct: environment,
    records,
    live,
    async close() {
      await stores.close();
      for (const one of [records, live]) await one.close();
      for (const one of [redis, postgres]) await one.stop();
    },
  };
}
