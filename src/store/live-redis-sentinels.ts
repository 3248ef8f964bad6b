import { lookup } from 'node:dns/promises';
import { isIP, SocketAddress } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { seconds } from '../kit/durations.ts';
import type { RedisAddress, RedisHost } from './live-redis-address.ts';

/**
 * Asks the sentinels every second who the primary is, for as long as we talk to one. A primary that they have replaced
 * and cannot reach to tell it so goes on answering: without replicas it confirms no write, but it would let us read what
 * was revoked meanwhile. One sentinel's word is not enough, for the one beside a primary that is cut off names that one:
 * all are asked, and the newest choice counts (its epoch is the highest). `heard` is called each time that more than half
 * of them answer, or one that tells of a newer choice; and `unheard` otherwise: we may be on the wrong side of a cut.
 */
export function watchSentinels(
  address: RedisAddress,
  { heard, unheard }: { heard(primary: RedisHost): Promise<void>; unheard(): Promise<void> },
): { close(): void } {
  const sentinels = address.hosts.map((host) => openSentinel(address, host));
  let looking = false;
  let closed = false;
  /** The epoch of the newest choice that was heard. */
  let latest = Number.POSITIVE_INFINITY;

  async function look(): Promise<void> {
    const asked = await Promise.allSettled(sentinels.map((sentinel) => sentinel.ask()));
    const told = asked.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    if (closed) return;
    const newest = newestOf(told);
    const epoch = newest?.epoch ?? -1;
    if (!newest || (told.length * 2 <= sentinels.length && epoch <= latest)) return unheard();
    latest = epoch;
    await heard(newest);
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
      for (const sentinel of sentinels) sentinel.close();
    },
  };
}

/** Whom a sentinel names, and when they agreed on it: undefined where it may not tell us. */
type Told = RedisHost & { epoch: number | undefined };

/** Among equals whom most of them name. */
export function newestOf(told: readonly Told[]): Told | undefined {
  const named = ({ host, port }: Told) =>
    told.filter((other) => other.host === host && other.port === port).length;
  return told.toSorted((a, b) => (b.epoch ?? 0) - (a.epoch ?? 0) || named(b) - named(a))[0];
}

/** Whether the server at the other end of a connection is the one that is named; sentinels may tell names. */
export async function isAt(peer: RedisHost, { host, port }: RedisHost): Promise<boolean> {
  if (peer.port !== port) return false;
  if (isIP(host)) return asSocketsWrite(host) === peer.host;
  const found = await Promise.race([
    lookup(host, { all: true }).catch(() => undefined),
    sleep(0.5 * seconds, undefined, { ref: false }),
  ]);
  // A name that nobody knows now tells nothing.
  return found?.some(({ address }) => address === peer.host) ?? true;
}

/** Sentinels tell an address as somebody typed it. */
function asSocketsWrite(host: string): string {
  const isLong = isIP(host) === 6 && !host.includes('%');
  const plain = isLong ? new SocketAddress({ address: host, family: 'ipv6' }).address : host;
  return plain.replace(/^::ffff:(?=\d+\.)/, '');
}

/** A connection that lasts until it breaks; the next question makes another. */
function openSentinel(address: RedisAddress, host: RedisHost): { ask(): Promise<Told>; close(): void } {
  let sentinel: Redis | undefined;
  return {
    async ask() {
      if (!sentinel || sentinel.status === 'end') sentinel = connect(address, host);
      const mine = sentinel;
      try {
        return await ask(mine, address.primaryName);
      } catch (error) {
        mine.disconnect();
        throw error;
      }
    },
    close: () => sentinel?.disconnect(),
  };
}

/**
 * While a failover is under way SENTINEL MASTER tells the address of before beside the epoch of the new one; the other
 * question is answered with who takes over. A sentinel's ACL may allow only that one.
 */
async function ask(sentinel: Redis, primaryName: string): Promise<Told> {
  const [named, described] = await Promise.all([
    sentinel.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', primaryName),
    sentinel.call('SENTINEL', 'MASTER', primaryName).catch(() => undefined),
  ]);
  const [host = '', port] = named as string[];
  return { host, port: Number(port), epoch: epochOf(described) };
}

function epochOf(described: unknown): number | undefined {
  if (!Array.isArray(described)) return undefined;
  const place = described.indexOf('config-epoch');
  return place < 0 ? undefined : Number(described[place + 1]);
}

function connect({ sentinelUser, tls }: RedisAddress, host: RedisHost): Redis {
  const sentinel = new Redis({
    ...host,
    ...sentinelUser,
    ...(tls ? { tls: {} } : {}),
    connectTimeout: 1 * seconds,
    commandTimeout: 0.5 * seconds,
    disconnectTimeout: 0.2 * seconds,
    maxRetriesPerRequest: 0,
    enableReadyCheck: false,
    replyMapping: 'legacy',
    retryStrategy: () => null,
  });
  sentinel.on('error', () => {});
  return sentinel;
}
