import { setTimeout as sleep } from 'node:timers/promises';
import { Redis, type RedisOptions } from 'ioredis';
import { StoreUnavailable } from './live.ts';
import type { RedisAddress, RedisHost } from './live-redis-address.ts';
import { hostName } from './live-redis-address.ts';
import { openDoubt } from './live-redis-doubt.ts';
import { type LineUse, RedisLine } from './live-redis-line.ts';
import { watchSentinels } from './live-redis-sentinels.ts';
import { askForState, hasFollower, judgeServer, type RedisState } from './live-redis-state.ts';

/** The servers behind REDIS_URL, whichever form it has. */
export type RedisServers = {
  /** Asks where the key is. `asking`: to be passed on to the line. */
  at<Reply>(
    key: string,
    which: 'reads' | 'writes',
    ask: (line: RedisLine, asking: boolean) => Promise<Reply>,
  ): Promise<Reply>;
  ping(): Promise<void>;
  /** Whether every server can be used now. */
  usable(): boolean;
  /** Of every primary, also of those that are not fit for use. */
  states(): Promise<RedisState[]>;
  /** How many replicas a write waits for. */
  waitReplicas(): number;
  close(): Promise<void>;
};

/**
 * How many replicas a write waits for (unset: as many as the form of the address promises), and for how long; and for how
 * long a call waits in all.
 */
export type Waiting = { waitReplicas: number | undefined; waitMs: number; timeoutMs: number };

/** Writes that wait for a replica hold up what is sent behind them, so reads have a connection of their own then. */
export type RedisServer = { reads: RedisLine; writes: RedisLine; close(): Promise<void> };

export function openServer(
  options: RedisOptions,
  { form, waits, ...use }: Omit<LineUse, 'accept'> & { form: RedisAddress['form']; waits: boolean },
): RedisServer {
  const accept = (state: RedisState) => refuseUnfit(state, form);
  const reads = new RedisLine(options, { ...use, accept });
  if (!waits) return { reads, writes: reads, close: () => reads.close() };
  // Both lead to the same server, also after a failover that only one of them has felt.
  const onLost = () => {
    reads.reconnect();
    use.onLost();
  };
  const writes = new RedisLine(options, { ...use, accept, onLost });
  return {
    reads,
    writes,
    async close() {
      await Promise.all([reads.close(), writes.close()]);
    },
  };
}

/** A server that may throw state away is not used, however it came to be the primary. */
function refuseUnfit(state: RedisState, form: RedisAddress['form']): void {
  const failed = judgeServer(state, form).find(({ verdict }) => verdict === 'FAIL');
  if (failed) throw new Error(`${failed.finding}; ${failed.advice}`);
  if (form !== 'cluster' && state.role === 'replica')
    throw new Error(`Redis at ${state.name} is a replica, which takes no writes`);
}

/** One server, or the one that the sentinels call the primary. */
export function openPrimary(
  address: RedisAddress,
  { waitReplicas, waitMs, timeoutMs }: Waiting,
): RedisServers {
  const { form } = address;
  const replicas = waitReplicas ?? (form === 'sentinel' ? 1 : 0);
  const name = form === 'single' ? address.hosts.map(hostName).join() : undefined;
  const server = openServer(form === 'sentinel' ? throughSentinels(address) : directly(address), {
    name,
    form,
    waits: replicas > 0,
    waitReplicas: () => replicas,
    waitMs,
    timeoutMs,
    onLost() {},
  });
  const doubt = openDoubt([server.reads, server.writes], () => isFollowed(server.reads));
  const watch = form === 'sentinel' ? watchSentinels(address, doubt) : undefined;
  const refuseInDoubt = () => {
    const why = doubt.why();
    if (why !== undefined) throw new StoreUnavailable('live', new Error(why));
  };
  return {
    async at(_key, which, ask) {
      refuseInDoubt();
      return ask(server[which], false);
    },
    async ping() {
      // So that a balancer sends its visitors to servers on the other side.
      refuseInDoubt();
      await Promise.all([server.reads, server.writes].map((line) => line.call((redis) => redis.ping())));
    },
    usable: () => server.reads.usable && server.writes.usable,
    states: async () => [await server.reads.state()],
    waitReplicas: () => replicas,
    async close() {
      watch?.close();
      await server.close();
    },
  };
}

/** Undefined: it did not say. It is not asked for as long as a page may wait: until then no sentinel is asked. */
async function isFollowed(line: RedisLine): Promise<boolean | undefined> {
  const asked = line.call((redis) => redis.info('replication')).then(hasFollower, () => undefined);
  return Promise.race([asked, sleep(800, undefined, { ref: false })]);
}

export function directly(
  { tls, user, db, hosts }: RedisAddress,
  at: RedisHost | undefined = hosts[0],
): RedisOptions {
  return { ...at, ...user, db, ...(tls ? { tls: {} } : {}) };
}

function throughSentinels({ tls, hosts, user, db, primaryName, sentinelUser }: RedisAddress): RedisOptions {
  return {
    sentinels: hosts,
    name: primaryName,
    ...user,
    db,
    ...(sentinelUser.username ? { sentinelUsername: sentinelUser.username } : {}),
    ...(sentinelUser.password ? { sentinelPassword: sentinelUser.password } : {}),
    ...(tls ? { tls: {}, sentinelTLS: {}, enableTLSForSentinelMode: true } : {}),
    // A sentinel that does not answer must not hold up the question to the next one.
    connectTimeout: 1000,
    sentinelCommandTimeout: 500,
    sentinelRetryStrategy: () => 200,
  };
}

/** Asks a server that we have no lasting connection to. */
export async function visit<Reply>(
  options: RedisOptions,
  ask: (redis: Redis) => Promise<Reply>,
): Promise<Reply> {
  const redis = new Redis({
    ...options,
    lazyConnect: true,
    connectTimeout: 1000,
    disconnectTimeout: 200,
    commandTimeout: 800,
    retryStrategy: () => null,
    enableReadyCheck: false,
    replyMapping: 'legacy',
  });
  let why: unknown;
  redis.on('error', (problem) => {
    why = problem;
  });
  try {
    await redis.connect();
    return await ask(redis);
  } catch (error) {
    throw new StoreUnavailable('live', why ?? error);
  } finally {
    redis.disconnect();
  }
}

/** What a server says of itself that is no primary of ours. */
export function stateOf(address: RedisAddress, host: RedisHost): Promise<RedisState> {
  return visit({ ...directly(address, host), db: 0 }, (redis) => askForState(redis, hostName(host)));
}
