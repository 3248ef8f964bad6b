import { afterAll, describe, expect, it } from '@jest/globals';
import { examine } from '../../src/operator/doctor.ts';
import { withoutHaste } from '../support/doctor.ts';
import { askRedis } from '../support/redis-server.mjs';
import { startRedis, startRedisCluster, startRedisSentinel } from '../support/servers.mjs';
import { testFolder } from '../support/stores.ts';

/** What the doctor says about Redis in each form. */
const folder = testFolder();
const started: { stop(): Promise<void> }[] = [];
afterAll(async () => {
  for (const server of started) await server.stop();
  folder.remove();
});

async function run<Server extends { stop(): Promise<void> }>(starting: Promise<Server>): Promise<Server> {
  const server = await starting;
  started.push(server);
  return server;
}

async function saysOf(REDIS_URL: string, environment: Record<string, string> = {}) {
  const findings = await examine({ REDIS_URL, DATA_DIR: folder.path, ...environment });
  const said = findings.filter(({ about }) => about === 'live').map((one) => `${one.verdict} ${one.finding}`);
  return said.map(withoutHaste);
}

async function usedMemory(redis: { url: string }): Promise<number> {
  const [[info] = []] = await askRedis([redis], ['INFO', 'memory']);
  return Number(/^used_memory:(\d+)/m.exec(String(info))?.[1]);
}

const kept = ['--appendonly', 'yes'];

describe('the doctor on Redis', () => {
  it('is content with one that keeps what it is given', async () => {
    const redis = await run(startRedis({ args: kept }));
    expect(await saysOf(redis.url)).toEqual([
      expect.stringMatching(/^OK Redis at 127\.0\.0\.1:\d+ answers in/),
      'OK state is never thrown away for want of memory (noeviction)',
      'OK state survives a restart; a power cut may take the last second of it',
      'OK writes wait for no replica: what a server took with it when it died is lost',
    ]);
    await askRedis([redis], ['CONFIG', 'SET', 'appendfsync', 'always']);
    expect(await saysOf(redis.url)).toContain(
      'OK state is on the disk before it is acknowledged (appendfsync always)',
    );
  });

  it('finds what may lose state', async () => {
    const redis = await run(startRedis());
    const name = `Redis at 127.0.0.1:${redis.port}`;
    expect(await saysOf(redis.url)).toContain(`WARN ${name} keeps no log: a restart of it signs people out`);
    await askRedis([redis], ['CONFIG', 'SET', 'maxmemory', Math.floor((await usedMemory(redis)) * 1.1)]);
    expect((await saysOf(redis.url)).join('\n')).toMatch(/WARN Redis at \S+ uses \d+ % of its memory/);
    await askRedis([redis], ['CONFIG', 'SET', 'maxmemory-policy', 'volatile-ttl']);
    expect(await saysOf(redis.url)).toContain(
      `FAIL ${name} may throw keys away (maxmemory-policy volatile-ttl)`,
    );
    await askRedis([redis], ['CONFIG', 'SET', 'maxmemory-policy', 'noeviction', 'maxmemory', 0]);
    expect(await saysOf(redis.url, { REDIS_WAIT_REPLICAS: '1' })).toContain(
      `WARN ${name} has 0 replica(s), and each write waits for 1`,
    );
  });

  it('knows a Cluster from a single server, whichever the address promises', async () => {
    const cluster = await run(startRedisCluster({ nodes: 1, config: ['appendonly yes'] }));
    const single = cluster.url.replace('redis+cluster:', 'redis:');
    expect((await saysOf(cluster.url)).join('\n')).toMatch(/OK Redis Cluster at .* answers in/);
    expect((await saysOf(single)).join('\n')).toMatch(/FAIL Redis at \S+ is a node of a Cluster/);
    const alone = await run(startRedis({ args: kept }));
    const said = await saysOf(alone.url.replace('redis:', 'redis+cluster:'));
    expect(said.join('\n')).toMatch(/FAIL state does not answer, Redis Cluster at .* is no Cluster/);
  });

  it('looks at the replicas, and minds a primary that would go on without any', async () => {
    const watched = await run(
      startRedisSentinel({ replicas: 1, downAfterMs: 60_000, config: ['appendonly yes'] }),
    );
    expect((await saysOf(watched.url)).filter((said) => !said.startsWith('OK'))).toEqual([
      expect.stringMatching(/^WARN Redis at \S+ takes writes although no replica follows it$/),
    ]);
    await askRedis(watched.nodes, ['CONFIG', 'SET', 'min-replicas-to-write', 1, 'min-replicas-max-lag', 60]);
    const said = await saysOf(watched.url);
    expect(said.filter((one) => !one.startsWith('OK'))).toEqual([]);
    expect(said).toContain('OK writes are acknowledged when 1 replica(s) have them');
    expect(said.join('\n')).not.toContain('sentinel_password');
    const hasty = await saysOf(watched.url, { REDIS_WAIT_REPLICAS: '0' });
    expect(hasty.filter((one) => one.includes('wait'))).toEqual([
      expect.stringMatching(/^WARN Redis at \S+ has 1 replica\(s\), and no write waits for one$/),
    ]);
    await askRedis(watched.nodes.slice(1), ['CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru']);
    expect((await saysOf(watched.url)).filter((one) => one.startsWith('FAIL'))).toHaveLength(1);
  });
});
