import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../src/kit/clock.ts';
import { StoreUnavailable } from '../../src/store/live.ts';
import { type LiveRedis, openLiveRedis } from '../../src/store/live-redis.ts';
import { readRedisAddress } from '../../src/store/live-redis-address.ts';
import { watchSentinels } from '../../src/store/live-redis-sentinels.ts';
import { type FaultProxy, openFaultProxy } from '../support/fault-proxy.ts';
import { startRedisSentinel, type TestSentinel } from '../support/servers.mjs';
import { untilAnswering } from '../support/stores.ts';
import { timed, until, untilWorks } from '../support/timing.ts';

/** Found by `npm run faults` (F6): a server on the wrong side of a cut went on reading what was revoked on the other. */
describe('a primary and one server of ours that the sentinels cannot reach', () => {
  let servers: TestSentinel;
  let proxies: FaultProxy[];
  let live: LiveRedis;
  beforeAll(async () => {
    servers = await startRedisSentinel({ replicas: 1, downAfterMs: 60_000 });
    proxies = await Promise.all(servers.sentinels.map(({ url }) => openFaultProxy(url)));
    const ways = servers.sentinels.map(({ port }, place) => [port, new URL(proxies[place]?.url ?? '').port]);
    const url = ways.reduce((text, [port, proxied]) => text.replace(`:${port}`, `:${proxied}`), servers.url);
    live = openLiveRedis({ url, clock: systemClock });
    await untilAnswering({ ping: async () => void (await live.examine()) });
    await live.commit([{ do: 'put', key: '{a}:b', value: 'c', ttlMs: 600_000 }]);
  });
  afterAll(async () => {
    await live.close();
    await Promise.all(proxies.map((proxy) => proxy.close()));
    await servers.stop();
  });

  const silence = (on: boolean, which = proxies) => {
    for (const proxy of which) proxy.silence(on);
  };
  const read = () => live.read(['{a}:b']);
  const refused = async () => expect((await timed(read)).error).toBeInstanceOf(StoreUnavailable);

  it.each([
    { heard: 'no sentinel', ofThem: 3 },
    { heard: 'one sentinel of three, which may be cut off with them,', ofThem: 2 },
  ])(
    'are not believed when $heard is heard and no replica follows, until most are heard',
    async ({ ofThem }) => {
      const replica = servers.nodes[1];
      if (!replica) throw new Error('no replica');
      // The first stays: it is the one that a connection asks first.
      silence(true, proxies.slice(proxies.length - ofThem));
      process.kill(replica.pid, 'SIGSTOP');
      try {
        await untilWorks(10_000, refused);
      } finally {
        process.kill(replica.pid, 'SIGCONT');
        silence(false);
      }
      const { value } = await untilWorks(10_000, read);
      expect(value[0]?.value).toBe('c');
    },
  );

  it('are believed while a replica follows: then only the sentinels are gone', async () => {
    silence(true);
    // Several rounds of asking them all, each of at most a second and a half.
    const until = performance.now() + 5000;
    for (; performance.now() < until; await sleep(50)) expect((await read())[0]?.value).toBe('c');
    silence(false);
  });
});

describe('a server of ours that ends while it waits for a sentinel', () => {
  it('leaves no connection to any behind', async () => {
    const open = new Set<Socket>();
    let connections = 0;
    const silent = createServer((socket) => {
      open.add(socket);
      connections += 1;
      socket
        .resume()
        .on('error', () => {})
        .on('close', () => open.delete(socket));
    }).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const host = `127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const watch = watchSentinels(readRedisAddress(`redis+sentinel://${host},${host}/latchkey`), {
      heard: async () => {},
      unheard: async () => {},
    });
    // Both have said nothing, and one of them is being asked again.
    await until(() => connections > 2);
    watch.close();
    await sleep(500);
    expect(open.size).toBe(0);
    silent.close();
  });
});
