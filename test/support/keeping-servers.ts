import { randomBytes } from 'node:crypto';
import { prompt } from './patience.ts';
import { startPostgres, startRedis, type TestServer } from './servers.mjs';

/**
 * Servers from whose memory has gone what they acknowledged: only then may their end be held against anybody. The quick
 * ones of the other suites may forget it when they are killed.
 */
export function startKeepingPostgres(): Promise<TestServer> {
  return startPostgres({ args: ['-c', 'synchronous_commit=on'] });
}

export type KeepingServers = {
  redis: TestServer;
  postgres: TestServer;
  /** The settings of a server that is on them. */
  environment: Record<string, string>;
  stop(): Promise<void>;
};

export async function startKeepingServers(): Promise<KeepingServers> {
  const redis = await startRedis({ args: ['--appendonly', 'yes', '--appendfsync', 'always'] });
  const postgres = await startKeepingPostgres();
  return {
    redis,
    postgres,
    environment: {
      ...prompt,
      REDIS_URL: redis.url,
      DATABASE_URL: postgres.url,
      SECRETS_KEY: randomBytes(32).toString('base64url'),
      COOKIE_KEYS: randomBytes(32).toString('base64url'),
    },
    async stop() {
      await Promise.all([redis.stop(), postgres.stop()]);
    },
  };
}
