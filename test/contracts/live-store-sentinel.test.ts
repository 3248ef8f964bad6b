import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../src/kit/clock.ts';
import { newId } from '../../src/kit/secrets.ts';
import { StoreUnavailable } from '../../src/store/live.ts';
import { type LiveRedis, openLiveRedis } from '../../src/store/live-redis.ts';
import { readRedisAddress } from '../../src/store/live-redis-address.ts';
import { watchSentinels } from '../../src/store/live-redis-sentinels.ts';
import { askRedis } from '../support/redis-server.mjs';
import { startRedisSentinel, type TestSentinel, type TestServer } from '../support/servers.mjs';
import { untilAnswering } from '../support/stores.ts';
import { timed, untilWorks } from '../support/timing.ts';
import { lostOf, unforeseen, writeOn } from '../support/writers.ts';

describe('the live state on a primary that sentinels watch', () => {
  let servers: TestSentinel;
  let live: LiveRedis;
  beforeAll(async () => {
    servers = await startRedisSentinel({ replicas: 3, downAfterMs: 1500 });
    live = openLiveRedis({ url: servers.url, clock: systemClock });
    await untilAnswering({ ping: async () => void (await live.examine()) });
  });
  const closing: (() => void)[] = [];
  afterAll(async () => {
    for (const close of closing) close();
    await live.close();
    await servers.stop();
  });

  async function primary(): Promise<TestServer> {
    const found = await servers.primary();
    if (!found) throw new Error('no sentinel answers');
    return found;
  }
  const others = async () => {
    const { port } = await primary();
    return servers.nodes.filter((node) => node.port !== port);
  };
  const consume = (code: string, by: string) => live.commit([{ do: 'consume', key: `{${code}}:code`, by }]);

  it('acknowledges nothing that no replica has, and knows the repeat for what it is', async () => {
    const code = newId();
    await live.commit([{ do: 'put', key: `{${code}}:code`, value: 'code', ttlMs: 60_000 }]);
    const replicas = await others();
    for (const { pid } of replicas) process.kill(pid, 'SIGSTOP');
    try {
      const { ms, error } = await timed(() => consume(code, 'me'));
      expect(error).toBeInstanceOf(StoreUnavailable);
      expect(ms).toBeLessThan(2000);
      // Whoever only reads does not wait for replicas.
      expect((await timed(() => live.read([`{${code}}:code`]))).error).toBeUndefined();
    } finally {
      for (const { pid } of replicas) process.kill(pid, 'SIGCONT');
    }
    expect((await untilWorks(3000, () => consume(code, 'me'))).value).toEqual({ ok: true });
    expect(await consume(code, 'somebody else')).toMatchObject({ reason: 'consumed' });
  });

  it('tells at the start of a replica that would throw keys away as the primary', async () => {
    const [replica] = await others();
    if (!replica) throw new Error('no replica');
    await askRedis([replica], ['CONFIG', 'SET', 'maxmemory-policy', 'allkeys-lru']);
    const { verdicts } = await live.examine();
    expect(verdicts).toContainEqual(
      expect.objectContaining({ verdict: 'FAIL', finding: expect.stringContaining(`:${replica.port} `) }),
    );
    await askRedis([replica], ['CONFIG', 'SET', 'maxmemory-policy', 'noeviction']);
    expect((await live.examine()).verdicts.map(({ verdict }) => verdict)).not.toContain('FAIL');
  });

  it('hears from the sentinels who the primary is, and since which choice of theirs', async () => {
    const { port } = await primary();
    const told = await new Promise((resolve) => {
      const watch = watchSentinels(readRedisAddress(servers.url), {
        heard: async (newest) => resolve(newest),
        unheard: async () => {},
      });
      closing.push(() => watch.close());
    });
    expect(told).toEqual({ host: '127.0.0.1', port, epoch: 0 });
  });

  it('leaves a primary that the sentinels have replaced, also when nobody has told it so', async () => {
    const before = await primary();
    await askRedis(servers.sentinels.slice(0, 1), ['SENTINEL', 'FAILOVER', 'latchkey']);
    await untilWorks(10_000, async () => {
      if ((await primary()).port === before.port) throw new Error('still the same');
    });
    const now = await primary();
    const key = `{${newId()}}:entry` as const;
    await untilWorks(15_000, async () => {
      await live.commit([{ do: 'put', key, value: 'written', ttlMs: 60_000 }]);
      const [answers] = await askRedis([now], ['EXISTS', key]);
      if (answers?.[0] !== 1) throw new Error('written on the old one');
    });
  });

  it('loses nothing that was acknowledged when the primary is killed, and writes again soon', async () => {
    const killed = await primary();
    const ledger = writeOn(live);
    await ledger.acknowledges(200);
    await killed.kill();
    // A second and a half to miss it, a second to agree, and as long again until another replica follows the new primary.
    await untilWorks(15_000, () => live.commit([{ do: 'put', key: '{a}:b', value: 'c', ttlMs: 60_000 }]));
    await ledger.stop();
    expect((await primary()).port).not.toBe(killed.port);
    expect(unforeseen(ledger)).toEqual([]);
    expect(ledger.failed.length).toBeGreaterThan(0);
    expect(await lostOf(live, ledger)).toEqual([]);
  });
});
