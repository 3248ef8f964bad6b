import { isIP } from 'node:net';
import { Redis } from 'ioredis';
import { seconds } from '../kit/durations.ts';
import type { RedisAddress, RedisHost } from './live-redis-address.ts';

/**
 * Asks the sentinels every second who the primary is, for as long as we talk to one. A primary that they have replaced
 * and cannot reach to tell it so goes on answering: without replicas it confirms no write, but it would let us read what
 * was revoked meanwhile. `unheard` is called each time when none of them answers: we may be on its side of the cut.
 */
export function watchSentinels(
  address: RedisAddress,
  {
    talkingTo,
    moved,
    heard,
    unheard,
  }: { talkingTo(): RedisHost | undefined; moved(): void; heard(): void; unheard(): Promise<void> },
): { close(): void } {
  let turn = 0;
  let sentinel = connect(address, turn);
  let looking = false;
  let closed = false;

  async function look(): Promise<void> {
    for (const _ of address.hosts) {
      const told = await ask(sentinel, address).catch(() => undefined);
      if (closed) return;
      if (told) return compare(told);
      sentinel.disconnect();
      turn += 1;
      sentinel = connect(address, turn);
    }
    await unheard();
  }
  function compare({ host, port }: RedisHost): void {
    heard();
    const ours = talkingTo();
    // Sentinels may be set to answer with names, which do not compare.
    if (ours && isIP(host) && (host !== ours.host || port !== ours.port)) moved();
  }

  const timer = setInterval(async () => {
    if (looking) return;
    looking = true;
    await look().catch(() => {});
    looking = false;
  }, 1 * seconds);
  timer.unref();
  return {
    close() {
      closed = true;
      clearInterval(timer);
      sentinel.disconnect();
    },
  };
}

async function ask(sentinel: Redis, { primaryName }: RedisAddress): Promise<RedisHost> {
  const told = await sentinel.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', primaryName);
  const [host = '', port] = told as string[];
  return { host, port: Number(port) };
}

function connect({ hosts, sentinelUser, tls }: RedisAddress, turn: number): Redis {
  const sentinel = new Redis({
    ...hosts[turn % hosts.length],
    ...sentinelUser,
    ...(tls ? { tls: {} } : {}),
    connectTimeout: 1 * seconds,
    commandTimeout: 0.5 * seconds,
    disconnectTimeout: 0.2 * seconds,
    maxRetriesPerRequest: 0,
    enableReadyCheck: false,
    retryStrategy: () => null,
  });
  sentinel.on('error', () => {});
  return sentinel;
}
