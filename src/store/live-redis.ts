import type { Clock } from '../kit/clock.ts';
import type { CommitRefusal, LiveEntry, LiveStep, LiveStore, MemberPage } from './live.ts';
import { checkSteps, mostInPage, onePartition, partitionOf } from './live.ts';
import { readRedisAddress } from './live-redis-address.ts';
import { openCluster } from './live-redis-cluster.ts';
import { examineServers, type RedisExamination } from './live-redis-examination.ts';
import { scripts } from './live-redis-scripts.ts';
import { openPrimary } from './live-redis-servers.ts';

/** The Redis home also knows how its servers are, and whether they may throw our state away. */
export type LiveRedis = LiveStore & { examine(): Promise<RedisExamination> };

/**
 * The live state on Redis: on one server, on a primary that sentinels watch, or on a Cluster (live-redis-address.ts). A
 * commit is one script, so it happens wholly or not at all, and it is acknowledged when `waitReplicas` replicas have it.
 * Entries and counters expire by Redis's own time, index members by the clock that was handed in. `prefix` stands before
 * every key, without braces, so that the partition stays the key's hash tag.
 *
 * While a server is away each call that needs it fails at once or within `timeoutMs`, and nothing happens late
 * (live-redis-line.ts).
 */
export function openLiveRedis({
  url,
  prefix = '',
  clock,
  waitReplicas,
  timeoutMs = 1000,
  waitMs = Math.round(0.3 * timeoutMs),
}: {
  url: string;
  prefix?: string;
  clock: Clock;
  waitReplicas?: number | undefined;
  waitMs?: number | undefined;
  timeoutMs?: number | undefined;
}): LiveRedis {
  const address = readRedisAddress(url);
  const open = address.form === 'cluster' ? openCluster : openPrimary;
  const servers = open(address, { waitReplicas, waitMs, timeoutMs });

  return {
    timeoutMs,
    async read(keys) {
      onePartition(keys);
      const [first] = keys;
      if (first === undefined) return [];
      const prefixed = prefix === '' ? [...keys] : keys.map((key) => prefix + key);
      const values = await servers.at(prefix + first, 'reads', (line, asking) =>
        line.call((redis) => redis.mget(prefixed), { asking }),
      );
      return values.map(parseEntry);
    },
    async commit(steps, { until = Number.POSITIVE_INFINITY } = {}) {
      checkSteps(steps);
      const [first] = steps;
      if (first === undefined) return { ok: true };
      const keys = steps.map((step) => prefix + step.key);
      const given = [clock.now(), ...steps.flatMap(stepArguments)];
      const [answer, step] = await servers.at(prefix + first.key, 'writes', (line, asking) =>
        line.commit(keys, given, { asking, until }),
      );
      return answer === 'ok' ? { ok: true } : { ok: false, reason: answer as CommitRefusal, step };
    },
    async members(key, from = `${clock.now()} `) {
      partitionOf(key);
      const space = from.indexOf(' ');
      const place = [from.slice(0, space), from.slice(space + 1), mostInPage];
      const flat = (await servers.at(prefix + key, 'reads', (line, asking) =>
        line.run(scripts.page, [prefix + key], place, { asking }),
      )) as string[];
      return pageOf(flat, clock.now());
    },
    async count(key, windowMs, amount, most = -1) {
      partitionOf(key);
      const reply = await servers.at(prefix + key, 'reads', (line, asking) =>
        line.run(scripts.count, [prefix + key], [Math.ceil(windowMs), amount, most], { asking }),
      );
      const [count, resetMs, over] = reply as [number, number, number];
      return { count, resetMs, over: over === 1 };
    },
    ping: () => servers.ping(),
    examine: () => examineServers(servers, address),
    close: () => servers.close(),
  };
}

function parseEntry(raw: string | null): LiveEntry | undefined {
  if (raw === null) return undefined;
  if (raw.startsWith('-')) return { value: raw.slice(1), consumedBy: undefined };
  const line = raw.indexOf('\n');
  return { value: raw.slice(line + 1), consumedBy: raw.slice(1, line) };
}

/** A page ends at a member with its end, and the next one begins behind both: many may end in the same moment. */
function pageOf(flat: readonly string[], now: number): MemberPage {
  const members = flat.flatMap((member, place) =>
    place % 2 === 0 ? [{ member, expiresAt: Number(flat[place + 1]) }] : [],
  );
  const last = members.at(-1);
  const next = last && members.length === mostInPage ? `${last.expiresAt} ${last.member}` : undefined;
  return { members: members.filter(({ expiresAt }) => expiresAt > now), next };
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
