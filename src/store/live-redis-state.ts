import type { Redis } from 'ioredis';
import type { RedisAddress } from './live-redis-address.ts';

/** What a Redis server says about itself, and what that means for state that must not get lost. */
export type RedisState = {
  /** host:port */
  name: string;
  role: 'primary' | 'replica';
  evictionPolicy: string;
  usedMemory: number;
  /** 0: no limit of its own. */
  maxMemory: number;
  appendOnly: boolean;
  /** How often its log is written to the disk; undefined where it does not say. */
  appendFsync?: string;
  /** How many replicas are connected and up to date. */
  replicas: number;
  /** Where they are, as far as the primary knows. */
  replicaHosts: { host: string; port: number }[];
  /** Refuses writes when too few replicas follow (min-replicas-to-write). */
  guardsWrites: boolean;
  clusterEnabled: boolean;
  /** What its clock said, and by how much it was ahead of ours. Epoch milliseconds. */
  theirs: number;
  aheadMs: number;
};

/** Asks a server over any connection. */
export async function askForState(redis: Redis, name: string): Promise<RedisState> {
  const asked = Date.now();
  const [info, [seconds, micros], fsync] = await Promise.all([
    redis.info(),
    redis.time(),
    // Those who run Redis for others often keep CONFIG to themselves.
    redis.config('GET', 'appendfsync').catch(() => []),
  ]);
  const theirs = Number(seconds) * 1000 + Number(micros) / 1000;
  const appendFsync = (fsync as string[])[1];
  return {
    name,
    ...readInfo(info),
    theirs,
    aheadMs: theirs - (asked + Date.now()) / 2,
    ...(appendFsync ? { appendFsync } : {}),
  };
}

function readInfo(info: string) {
  const value = (field: string) => new RegExp(`^${field}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? '';
  const following = [
    ...info.matchAll(/^slave\d+:ip=(?<host>[^,]+),port=(?<port>\d+),state=(?<state>\w+)/gm),
  ].map(({ groups }) => groups as { host: string; port: string; state: string });
  return {
    role: value('role') === 'slave' ? ('replica' as const) : ('primary' as const),
    evictionPolicy: value('maxmemory_policy') || 'unknown',
    usedMemory: Number(value('used_memory')),
    maxMemory: Number(value('maxmemory')),
    appendOnly: value('aof_enabled') === '1',
    replicas: following.filter(({ state }) => state === 'online').length,
    replicaHosts: following.map(({ host, port }) => ({ host, port: Number(port) })),
    // Said only where min-replicas-to-write and min-replicas-max-lag are set.
    guardsWrites: value('min_slaves_good_slaves') !== '',
    clusterEnabled: value('cluster_enabled') === '1',
  };
}

/** Whether a replica has confirmed lately that it follows, which it does every second. `info`: INFO replication. */
export function hasFollower(info: string): boolean {
  const lags = [...info.matchAll(/^slave\d+:.*\bstate=online\b.*\blag=(\d+)/gm)];
  return lags.some(([, lag]) => Number(lag) <= 3);
}

export type RedisVerdict = { verdict: 'WARN' | 'FAIL'; finding: string; advice: string };

/** The share of its limit that a server uses; 0 without a limit. */
export const memoryRatio = ({ usedMemory, maxMemory }: RedisState) =>
  maxMemory > 0 ? usedMemory / maxMemory : 0;

export function judgeServer(state: RedisState, form: RedisAddress['form']): RedisVerdict[] {
  const { name, evictionPolicy } = state;
  const verdicts: RedisVerdict[] = [];
  if (evictionPolicy !== 'noeviction')
    verdicts.push({
      verdict: 'FAIL',
      finding: `Redis at ${name} may throw keys away (maxmemory-policy ${evictionPolicy})`,
      advice: 'set maxmemory-policy to noeviction: a lost mark of a spent code lets it be used again',
    });
  if (state.clusterEnabled !== (form === 'cluster'))
    verdicts.push({
      verdict: 'FAIL',
      finding: `Redis at ${name} is ${state.clusterEnabled ? 'a node of a Cluster' : 'no node of a Cluster'}`,
      advice: `begin REDIS_URL with ${state.clusterEnabled ? 'redis+cluster://' : 'redis:// or redis+sentinel://'}`,
    });
  if (!state.appendOnly)
    verdicts.push({
      verdict: 'WARN',
      finding: `Redis at ${name} keeps no log: a restart of it signs people out`,
      advice: 'set appendonly to yes',
    });
  else if (state.appendFsync === 'no')
    verdicts.push({
      verdict: 'WARN',
      finding: `Redis at ${name} leaves it to the system when its log is written to the disk`,
      advice: 'set appendfsync to everysec or always: a power cut may lose half a minute',
    });
  if (memoryRatio(state) > 0.8)
    verdicts.push({
      verdict: 'WARN',
      finding: `Redis at ${name} uses ${Math.floor(memoryRatio(state) * 100)} % of its memory`,
      advice: 'raise maxmemory: when it is full, nobody can sign in',
    });
  return verdicts;
}

/** Whether the replicas are there that the writes of this primary wait for, and whether it minds being alone. */
export function judgeReplication(
  state: RedisState,
  { form, waitReplicas }: { form: RedisAddress['form']; waitReplicas: number },
): RedisVerdict[] {
  const verdicts: RedisVerdict[] = [];
  if (state.replicas < waitReplicas)
    verdicts.push({
      verdict: 'WARN',
      finding: `Redis at ${state.name} has ${state.replicas} replica(s), and each write waits for ${waitReplicas}`,
      advice: 'start its replicas; until then what writes is answered with 503',
    });
  if (waitReplicas === 0 && state.replicas > 0)
    verdicts.push({
      verdict: 'WARN',
      finding: `Redis at ${state.name} has ${state.replicas} replica(s), and no write waits for one`,
      advice:
        'set REDIS_WAIT_REPLICAS to 1: a replica that takes over brings back what it had not heard was revoked',
    });
  if (form === 'cluster' && waitReplicas === 0 && state.replicas === 0)
    verdicts.push({
      verdict: 'WARN',
      finding: `Redis at ${state.name} has no replica: when it dies, its share of the people cannot sign in`,
      advice: 'give each node of the Cluster a replica',
    });
  if (form === 'sentinel' && !state.guardsWrites)
    verdicts.push({
      verdict: 'WARN',
      finding: `Redis at ${state.name} takes writes although no replica follows it`,
      advice: 'set min-replicas-to-write to 1 and min-replicas-max-lag to 2 on every server',
    });
  return verdicts;
}
