import { Redis } from 'ioredis';
import type { Clock } from '../kit/clock.ts';
import type { CommitRefusal, LiveEntry, LiveStep, LiveStore } from './live.ts';
import { checkSteps, onePartition, partitionOf, StoreUnavailable } from './live.ts';
import { type ScriptCommands, scripts } from './live-redis-scripts.ts';

/** The Redis home also knows whether its server may throw our state away. */
export type LiveRedis = LiveStore & { checkEviction(): Promise<void> };

/**
 * The live state on Redis. A commit is one script, so it happens wholly or not at all. Entries and counters expire by
 * Redis's own time, index members by the clock that was handed in. `prefix` stands before every key, without braces, so
 * that the partition stays the key's hash tag.
 *
 * While Redis is away each call fails at once or within a second, and nothing is sent late: a command that waited in a
 * queue, or was sent again after a lost reply, would happen after its caller was told that it did not.
 */
export function openLiveRedis({
  url,
  prefix = '',
  clock,
}: {
  url: string;
  prefix?: string;
  clock: Clock;
}): LiveRedis {
  const redis = new Redis(url, { ...connection, scripts }) as Redis & ScriptCommands;
  // Kept to say why when a call fails; without a listener ioredis prints it.
  let lastProblem: unknown;
  redis.on('error', (problem) => {
    lastProblem = problem;
  });

  async function answering<Reply>(call: Promise<Reply>): Promise<Reply> {
    try {
      return await call;
    } catch (error) {
      if (isMistake(error)) throw error;
      throw new StoreUnavailable('live', redis.status === 'ready' ? error : (lastProblem ?? error));
    }
  }

  return {
    async read(keys) {
      onePartition(keys);
      if (keys.length === 0) return [];
      const values = await answering(redis.mget(keys.map((key) => prefix + key)));
      return values.map(parseEntry);
    },
    async commit(steps) {
      checkSteps(steps);
      if (steps.length === 0) return { ok: true };
      const keys = steps.map((step) => prefix + step.key);
      const [answer, step] = await answering(
        redis.liveCommit(keys.length, ...keys, clock.now(), ...steps.flatMap(stepArguments)),
      );
      return answer === 'ok' ? { ok: true } : { ok: false, reason: answer as CommitRefusal, step: step ?? 0 };
    },
    async members(key) {
      partitionOf(key);
      const flat = await answering(
        redis.zrangebyscore(prefix + key, `(${clock.now()}`, '+inf', 'WITHSCORES'),
      );
      return flat.flatMap((member, place) =>
        place % 2 === 0 ? [{ member, expiresAt: Number(flat[place + 1]) }] : [],
      );
    },
    async count(key, windowMs, amount) {
      partitionOf(key);
      const [count, resetMs] = await answering(redis.liveCount(prefix + key, Math.ceil(windowMs), amount));
      return { count, resetMs };
    },
    async ping() {
      await answering(redis.ping());
    },
    async checkEviction() {
      refuseEviction(await answering(redis.info('memory')));
    },
    async close() {
      await redis.quit().catch(() => redis.disconnect());
    },
  };
}

const connection = {
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  commandTimeout: 800,
  // A connection that swallows commands (a dead peer, a lost route) is given up, not only its commands.
  socketTimeout: 1000,
  connectTimeout: 2000,
  keepAlive: 10_000,
  retryStrategy: (attempt: number) => Math.min(50 * attempt, 500),
  // After a failover the old primary answers READONLY until we ask for the address again.
  reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
};

function parseEntry(raw: string | null): LiveEntry | undefined {
  if (raw === null) return undefined;
  if (raw.startsWith('-')) return { value: raw.slice(1), consumedBy: undefined };
  const line = raw.indexOf('\n');
  return { value: raw.slice(line + 1), consumedBy: raw.slice(1, line) };
}

/** What to do, a time, a text, what is expected: see live-redis-scripts.ts. */
function stepArguments(step: LiveStep): (string | number)[] {
  switch (step.do) {
    case 'put':
    case 'add':
      return [step.do, Math.ceil(step.ttlMs), step.value, ''];
    case 'replace':
      return [step.do, Math.ceil(step.ttlMs), step.value, step.expect];
    case 'consume':
      return [step.do, step.keepMs === undefined ? '' : Math.ceil(step.keepMs), step.by, ''];
    case 'enlist':
      return [step.do, Math.ceil(step.expiresAt), step.member, ''];
    case 'strike':
      return [step.do, '', step.member, ''];
    case 'require':
      return [step.do, step.unspent ? 1 : '', '', ''];
    case 'expect':
      return [step.do, step.value === undefined ? '' : 1, step.value ?? '', ''];
    default:
      return [step.do, '', '', ''];
  }
}

/** An answer of the server that blames the command; everything else is the server's state or the way to it. */
function isMistake(error: unknown): boolean {
  const stateOfServer =
    /^(LOADING|BUSY|READONLY|MASTERDOWN|NOREPLICAS|MISCONF|OOM|CLUSTERDOWN|TRYAGAIN|NOAUTH|MOVED)\b/;
  return error instanceof Error && error.name === 'ReplyError' && !stateOfServer.test(error.message);
}

/** A Redis that drops keys under pressure would sign people out at random and forget which codes were spent. */
function refuseEviction(memory: string): void {
  const policy = /^maxmemory_policy:(\S+)/m.exec(memory)?.[1] ?? 'unknown';
  if (policy === 'noeviction') return;
  throw new Error(
    `Redis is set to throw keys away when memory is short (maxmemory-policy ${policy}). It holds sessions and the marks of spent codes; set maxmemory-policy to noeviction.`,
  );
}
