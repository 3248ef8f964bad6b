import { randomBytes } from 'node:crypto';
import { ownRedisDatabase, preparedPlace } from './stores.ts';
import { openWorld, type World } from './world.ts';

/** The homes of the stores that a whole server can be tested on; PostgreSQL and Redis where scripts/test.mjs started them. */
export type WorldKind = { name: string; open(environment?: Record<string, string>): Promise<World> };

const embedded: WorldKind = { name: 'SQLite', open: openWorld };

const servers: WorldKind = {
  name: 'PostgreSQL and Redis',
  async open(environment = {}) {
    const place = await preparedPlace();
    const world = await openWorld({
      DATABASE_URL: String(place.at.url),
      REDIS_URL: await ownRedisDatabase(),
      SECRETS_KEY: randomBytes(32).toString('base64url'),
      COOKIE_KEYS: randomBytes(32).toString('base64url'),
      ...environment,
    });
    return {
      ...world,
      async close() {
        await world.close();
        await place.remove();
      },
    };
  },
};

export const worldKinds: WorldKind[] =
  process.env['TEST_POSTGRES_URL'] && process.env['TEST_REDIS_URL'] ? [embedded, servers] : [embedded];
