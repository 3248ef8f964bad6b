import { randomBytes } from 'node:crypto';
import { startPostgres, startRedis, type TestServer } from './servers.mjs';

/**
 * Servers from whose memory has gone what they acknowledged: only then may their end be held against anybody. The quick
 * ones of the other suites may forget it when they are killed.
 */
export function startKeepingPostgres(): Promise<TestServer> {
  return startPostgres({ args: ['-c', 'synchronous_commit=on'] });
}

/** Of whoever is on them: more than the usual second, so that a machine that stands still for half of one is no outage. */
export const keepingTimeoutMs = 3000;

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
      STORE_TIMEOUT_MS: String(keepingTimeoutMs),
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
