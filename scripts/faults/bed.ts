import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type FaultProxy, openFaultProxy } from '../../test/support/fault-proxy.ts';
import { freePort, startPostgres, type TestServer } from '../../test/support/servers.mjs';
import { type SmtpServer, startSmtpServer } from '../../test/support/smtp-server.ts';
import { seedLatchkey } from '../bench/seed.ts';
import { startBalancer } from './balancer.ts';
import { openNode, type ServerNode } from './node.ts';
import { type BedRedis, type RedisKind, startBedRedis } from './redis-kinds.ts';

/**
 * The bed of the faults (section 1 of the document): three servers behind nginx, PostgreSQL, Redis in one of its forms, a
 * mail server, all on loopback, on free ports and with folders of their own. The issuer is not on loopback, so that the
 * servers behave as in earnest. What was started here is ended here, by its process id.
 */
export type Bed = {
  issuer: string;
  host: string;
  /** The balancer's. */
  port: number;
  nodes: readonly ServerNode[];
  redis: BedRedis;
  postgres: TestServer;
  /** In front of the stores when the recipe asked for them. */
  proxies: { redis: FaultProxy; postgres: FaultProxy } | undefined;
  /** By which the first node alone reaches the sentinels, when the recipe asked for it. */
  sentinelProxies: readonly FaultProxy[];
  mail: SmtpServer;
  folder: string;
  /** For whoever opens the stores beside the servers, and past the proxies. */
  environment: Record<string, string>;
  stop(): Promise<void>;
};

export type BedOptions = {
  redis?: RedisKind;
  redisConfig?: readonly string[];
  proxies?: boolean;
  sentinelProxies?: boolean;
  people: number;
  settings?: Record<string, string>;
};

export async function openBed({
  redis: kind = 'one',
  redisConfig = [],
  proxies: wanted = false,
  sentinelProxies: apart = false,
  people,
  settings = {},
}: BedOptions): Promise<Bed> {
  const closing: (() => unknown)[] = [];
  const stop = async () => {
    for (const one of closing.splice(0).reverse()) await one();
  };
  const closedBy = <Part>(part: Part, close: (part: Part) => unknown): Part => {
    closing.push(() => close(part));
    return part;
  };
  try {
    const folder = closedBy(mkdtempSync(path.join(tmpdir(), 'latchkey-faults-')), (at) =>
      rmSync(at, { recursive: true, force: true, maxRetries: 5 }),
    );
    // What was acknowledged is on disk, as on a PostgreSQL that people rely on.
    const honest = ['-c', 'synchronous_commit=on', '-c', 'fsync=on', '-c', 'full_page_writes=on'];
    const postgres = closedBy(await startPostgres({ args: honest }), (one) => one.stop());
    const redis = closedBy(await startBedRedis(kind, redisConfig), (one) => one.stop());
    const mail = closedBy(await startSmtpServer(), (one) => one.close());
    const host = 'login.example.test';
    const environment = {
      ISSUER: `https://${host}`,
      HOST: '127.0.0.1',
      DATA_DIR: folder,
      TRUSTED_PROXIES: '127.0.0.1',
      SECRETS_KEY: randomBytes(32).toString('base64url'),
      COOKIE_KEYS: randomBytes(32).toString('base64url'),
      SMTP_URL: mail.url,
      DATABASE_URL: postgres.url,
      REDIS_URL: redis.url,
      LOG_LEVEL: 'info',
      ...settings,
    };
    await seedLatchkey(environment, { people });
    const proxies = wanted ? await openProxies(environment) : undefined;
    if (proxies) closing.push(() => Promise.all([proxies.redis.close(), proxies.postgres.close()]));
    const served = proxies
      ? { ...environment, DATABASE_URL: proxies.postgres.url, REDIS_URL: proxies.redis.url }
      : environment;
    const sentinelProxies = apart
      ? await Promise.all(redis.sentinel?.sentinels.map(({ url }) => openFaultProxy(url)) ?? [])
      : [];
    closing.push(() => Promise.all(sentinelProxies.map((proxy) => proxy.close())));
    const ports = await Promise.all([freePort(), freePort(), freePort()]);
    const nodes = ports.map((port, place) =>
      openNode({
        name: `node${place + 1}`,
        port,
        folder,
        environment: place === 0 ? byWayOf(sentinelProxies, redis, served) : served,
      }),
    );
    closing.push(() => Promise.all(nodes.map((node) => node.kill())));
    await Promise.all(nodes.map((node) => node.start()));
    const balancer = closedBy(await startBalancer(folder, ports), (one) => one.stop());
    return {
      issuer: environment.ISSUER,
      host,
      port: balancer.port,
      nodes,
      redis,
      postgres,
      proxies,
      sentinelProxies,
      mail,
      folder,
      environment,
      stop,
    };
  } catch (problem) {
    await stop();
    throw problem;
  }
}

async function openProxies({ DATABASE_URL, REDIS_URL }: { DATABASE_URL: string; REDIS_URL: string }) {
  const [redis, postgres] = await Promise.all([openFaultProxy(REDIS_URL), openFaultProxy(DATABASE_URL)]);
  return { redis, postgres };
}

/** The same servers; only the way to the sentinels is another. */
function byWayOf(
  proxies: readonly FaultProxy[],
  { sentinel }: BedRedis,
  environment: Record<string, string>,
) {
  let { REDIS_URL = '' } = environment;
  for (const [place, { port }] of (proxies.length > 0 ? (sentinel?.sentinels ?? []) : []).entries())
    REDIS_URL = REDIS_URL.replace(`:${port}`, `:${new URL(proxies[place]?.url ?? '').port}`);
  return { ...environment, REDIS_URL };
}
