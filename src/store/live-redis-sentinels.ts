import { isIP } from 'node:net';
import { Redis } from 'ioredis';
import { seconds } from '../kit/durations.ts';
import type { RedisAddress, RedisHost } from './live-redis-address.ts';

/**
 * Asks the sentinels every second who the primary is, for as long as we talk to one. A primary that they have replaced
 * and cannot reach to tell it so goes on answering: without replicas it confirms no write, but it would let us read what
 * was revoked meanwhile.
 */
export function watchSentinels(
  address: RedisAddress,
  { talkingTo, moved }: { talkingTo(): RedisHost | undefined; moved(): void },
): { close(): void } {
  let turn = 0;
  let sentinel = connect(address, turn);
  const timer = setInterval(async () => {
    try {
      const [host, port] = (await sentinel.call(
        'SENTINEL',
        'GET-MASTER-ADDR-BY-NAME',
        address.primaryName,
      )) as string[];
      const ours = talkingTo();
      // Sentinels may be set to answer with names, which do not compare.
      if (ours && isIP(host ?? '') && (host !== ours.host || Number(port) !== ours.port)) moved();
    } catch {
      sentinel.disconnect();
      turn += 1;
      sentinel = connect(address, turn);
    }
  }, 1 * seconds);
  timer.unref();
  return {
    close() {
      clearInterval(timer);
      sentinel.disconnect();
    },
  };
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
