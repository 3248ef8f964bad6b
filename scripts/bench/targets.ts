import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort, startPostgres, startRedis, type TestServer } from '../../test/support/servers.mjs';
import { costOfPasswords } from './argon2-alone.ts';
import { type MeasuredProcess, startMeasured } from './measured-process.ts';
import { seedLatchkey } from './seed.ts';

/** What is measured: a server in a process of its own, with its stores, prepared through its own front door. */
export const targetNames = ['redis', 'embedded', 'yardstick', 'example_redis'] as const;
export type TargetName = (typeof targetNames)[number];

export type Target = {
  name: TargetName;
  port: number;
  issuer: string;
  /** Whether it is ours: has real people and passwords, and keeps sessions and grants as long as they live. */
  ours: boolean;
  process: MeasuredProcess;
  redis: TestServer | undefined;
  /** The environment of the server, for whoever opens its stores beside it. */
  environment: Record<string, string>;
  stop(): Promise<void>;
};

export async function openTarget(name: TargetName, { people }: { people: number }): Promise<Target> {
  const port = await freePort();
  const closing: (() => Promise<void> | void)[] = [];
  const close = async () => {
    for (const one of closing.reverse()) await one();
  };
  const started = async (server: Promise<TestServer>) => {
    const running = await server;
    closing.push(() => running.stop());
    return running;
  };
  try {
    const redis = name.includes('redis') ? await started(startRedis()) : undefined;
    const postgres = name === 'redis' ? await started(startPostgres()) : undefined;
    const folder = mkdtempSync(path.join(tmpdir(), 'latchkey-bench-'));
    closing.push(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
    const ours = name === 'redis' || name === 'embedded';
    const environment = ours
      ? latchkeySettings({ port, folder, redis, postgres })
      : { PORT: String(port), ...(redis ? { EXAMPLE_REDIS_URL: redis.url } : {}) };
    if (ours) await seedLatchkey(environment, { people });
    const measured = await startMeasured(ours ? 'latchkey' : 'plain', environment);
    closing.push(() => measured.stop());
    const issuer = `http://localhost:${port}`;
    return { name, port, issuer, ours, process: measured, redis, environment, stop: close };
  } catch (problem) {
    await close();
    throw problem;
  }
}

/** The defaults, except for a proxy that is believed (the load comes from many addresses, as in life) and the cost of a hash, if one is asked for. */
function latchkeySettings({
  port,
  folder,
  redis,
  postgres,
}: {
  port: number;
  folder: string;
  redis: TestServer | undefined;
  postgres: TestServer | undefined;
}): Record<string, string> {
  return {
    ISSUER: `http://localhost:${port}`,
    PORT: String(port),
    DATA_DIR: folder,
    TRUSTED_PROXIES: '127.0.0.1',
    SECRETS_KEY: randomBytes(32).toString('base64url'),
    COOKIE_KEYS: randomBytes(32).toString('base64url'),
    ...costOfPasswords(),
    ...patience(),
    ...(redis ? { REDIS_URL: redis.url } : {}),
    ...(postgres ? { DATABASE_URL: postgres.url } : {}),
  };
}

/** On a machine that stands still now and then the servers are to wait for their stores longer than they do by default. */
function patience(): Record<string, string> {
  const { STORE_TIMEOUT_MS } = process.env;
  return STORE_TIMEOUT_MS === undefined ? {} : { STORE_TIMEOUT_MS };
}
