import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../src/kit/clock.ts';
import { type LiveStore, StoreUnavailable } from '../../src/store/live.ts';
import { openLiveRedis } from '../../src/store/live-redis.ts';
import { openServerClock } from '../../src/store/live-redis-clock.ts';
import { startRedis, type TestServer } from '../support/servers.mjs';
import { untilAnswering } from '../support/stores.ts';
import { timed, untilWorks } from '../support/timing.ts';

describe('a commit to a Redis that stood still', () => {
  let redis: TestServer;
  let live: LiveStore;
  beforeAll(async () => {
    redis = await startRedis();
    live = openLiveRedis({ url: redis.url, clock: systemClock });
    await untilAnswering(live);
  });
  afterAll(async () => {
    await live.close();
    await redis.stop();
  });

  it('does not happen after its caller was told that it failed, though it has arrived', async () => {
    // A machine that stands still makes these two late as well; what is repeated is known by its name.
    await untilWorks(3000, () => live.commit([{ do: 'put', key: '{code}:c', value: 'code', ttlMs: 60_000 }]));
    process.kill(redis.pid, 'SIGSTOP');
    const calls = Array.from({ length: 5 }, (_, n) =>
      live.commit([
        { do: 'consume', key: '{code}:c', by: 'whoever was told that it failed' },
        { do: 'put', key: `{code}:${n}`, value: 'token', ttlMs: 60_000 },
      ]),
    );
    const answers = await Promise.allSettled(calls);
    // The time of the server goes on beyond the latest that the commits allow.
    await sleep(300);
    process.kill(redis.pid, 'SIGCONT');
    for (const answer of answers)
      expect(answer.status === 'rejected' && answer.reason).toBeInstanceOf(StoreUnavailable);
    await untilWorks(3000, () => live.ping());
    const left = await live.read(['{code}:c', '{code}:0', '{code}:4']);
    expect(left).toEqual([{ value: 'code', consumedBy: undefined }, undefined, undefined]);
    // So the honest second attempt finds the code as it was.
    const second = { do: 'consume', key: '{code}:c', by: 'the second attempt' } as const;
    expect((await untilWorks(3000, () => live.commit([second]))).value).toEqual({ ok: true });
  });
});

/** The same Redis as two servers, of which the first has a clock that is a minute ahead. */
async function openTwoClocks(port: number) {
  const sockets = new Set<Socket>();
  let ahead = true;
  const later = (text: string) =>
    text.replace(/(?<=^\*2\r\n\$10\r\n)\d{10}/m, (time) => `${Number(time) + 60}`);
  const server = createServer((client) => {
    const store = connect(port, '127.0.0.1');
    client.pipe(store);
    store.on('data', (bytes) => client.write(ahead ? later(bytes.toString('latin1')) : bytes, 'latin1'));
    for (const [one, other] of [
      [client, store],
      [store, client],
    ] as const) {
      sockets.add(one);
      one.on('error', () => {}).on('close', () => other.destroy());
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const breakAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    toTheSecond() {
      ahead = false;
      breakAll();
    },
    close() {
      server.close();
      breakAll();
    },
  };
}

describe('a commit to the server that took the place of another', () => {
  it('is not allowed until later by what the clock of the other had said', async () => {
    const redis = await startRedis();
    const clocks = await openTwoClocks(redis.port);
    const url = redis.url.replace(`:${redis.port}`, `:${clocks.port}`);
    const live = openLiveRedis({ url, clock: systemClock });
    await untilAnswering(live);
    expect((await live.examine()).states[0]?.aheadMs).toBeGreaterThan(50_000);
    clocks.toTheSecond();
    await sleep(50);
    await untilAnswering(live);
    process.kill(redis.pid, 'SIGSTOP');
    const { error } = await timed(() =>
      live.commit([{ do: 'put', key: '{a}:b', value: 'late', ttlMs: 60_000 }]),
    );
    await sleep(300);
    process.kill(redis.pid, 'SIGCONT');
    expect(error).toBeInstanceOf(StoreUnavailable);
    const { value } = await untilWorks(3000, () => live.read(['{a}:b']));
    expect(value).toEqual([undefined]);
    await live.close();
    clocks.close();
    await redis.stop();
  });
});

describe('what is known of a server’s clock', () => {
  function clockAt() {
    let now = 1000;
    const clock = openServerClock(() => now);
    return { clock, pass: (ms: number) => (now += ms), hear: (theirs: number) => clock.heard(theirs) };
  }

  it('is nothing before it said anything', () => {
    expect(clockAt().clock.latest(800)).toBe('');
  });

  it('is what the quickest answer showed', () => {
    const { clock, hear } = clockAt();
    hear(5_000_950);
    hear(5_001_000);
    hear(5_000_700);
    expect(clock.latest(800)).toBe(5_001_800);
  });

  it('follows a clock that jumped forward at once, and one that jumped back within seconds', () => {
    const { clock, hear, pass } = clockAt();
    hear(5_000_000);
    hear(5_060_000);
    expect(clock.latest(800)).toBe(5_060_800);
    pass(10_001);
    hear(5_010_001);
    expect(clock.latest(800)).toBe(5_010_801);
  });
});
