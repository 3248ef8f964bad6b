import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { seconds } from '../kit/durations.ts';
import { StoreUnavailable } from './live.ts';
import { hostName, type RedisAddress, type RedisHost } from './live-redis-address.ts';
import { directly, openServer, type RedisServer, visit, type Waiting } from './live-redis-servers.ts';
import { type ClusterView, newestView, readClusterView } from './live-redis-slots.ts';

export type ClusterNode = RedisServer & { host: RedisHost };

/**
 * The primaries of a Redis Cluster and what each has. When one is lost or a slot has moved the others are asked how
 * things are now, again and again until every slot is on a node that can be used.
 */
export function openClusterNodes(address: RedisAddress, { waitReplicas, waitMs, timeoutMs }: Waiting) {
  const nodes = new Map<string, ClusterNode>();
  /** When a redirection last named a node. */
  const namedAt = new Map<string, number>();
  let view: ClusterView | undefined;
  // Once seen, replicas are waited for also while none is left: that is what they are for.
  let replicated = false;
  let problem: unknown = new Error('no node was found yet');
  let learning = false;
  let wanted = false;
  let closed = false;
  const replicas = () => waitReplicas ?? (replicated ? 1 : 0);

  function connect(host: RedisHost): ClusterNode {
    const name = hostName(host);
    const known = nodes.get(name);
    if (known) return known;
    const waits = { waits: waitReplicas !== 0, waitReplicas: replicas, waitMs, timeoutMs };
    const use = { name, form: 'cluster' as const, ...waits, onLost: learn };
    const node = { host, ...openServer(directly(address, host), use) };
    nodes.set(name, node);
    return node;
  }

  /** Looks around at least once more; less and less often where somebody goes on wanting it. */
  function learn(): void {
    wanted = true;
    if (learning || closed) return;
    learning = true;
    void (async () => {
      for (let round = 1; !closed && (wanted || !complete()); round += 1) {
        wanted = false;
        await lookAround();
        await sleep(Math.min(50 * round, 500), undefined, { ref: false });
      }
      learning = false;
    })();
  }

  async function lookAround(): Promise<void> {
    const answers = [...(await askOurs())];
    if (!newestView(answers)) answers.push(...(await askStrangers()));
    const seen = newestView(answers);
    problem = answers.find((answer) => answer.status === 'rejected')?.reason;
    if (!seen || closed) return;
    view = seen;
    replicated ||= seen.replicated;
    const primaries = new Set(seen.primaries.map((host) => hostName(connect(host).host)));
    for (const [name, node] of nodes) if (!primaries.has(name) && !isNamed(name)) drop(name, node);
  }

  const askOurs = () =>
    Promise.allSettled(
      [...nodes.values()]
        .filter(({ reads }) => reads.usable)
        .map(({ host, reads }) => soon(reads.call((redis) => askForView(redis, host)))),
    );

  /** The nodes of the address, and all that were there when somebody was last reached. */
  function askStrangers() {
    const hosts = [...address.hosts, ...(view?.primaries ?? []), ...(view?.replicas ?? [])];
    const different = [...new Map(hosts.map((host) => [hostName(host), host])).values()];
    const asked = different.map((host) => visit(directly(address, host), (redis) => askForView(redis, host)));
    return Promise.allSettled(asked);
  }

  /** Those that have no slot yet, or that the others have not heard of, are in nobody's table. */
  function connectNamed(host: RedisHost): ClusterNode {
    namedAt.set(hostName(host), performance.now());
    return connect(host);
  }
  const isNamed = (name: string) => performance.now() - (namedAt.get(name) ?? -Infinity) < 10 * seconds;

  function drop(name: string, node: ClusterNode): void {
    nodes.delete(name);
    namedAt.delete(name);
    void node.close();
  }

  function complete(): boolean {
    const ready = new Set(
      [...nodes].filter(([, { reads, writes }]) => reads.usable && writes.usable).map(([name]) => name),
    );
    return view?.owners.every((owner) => owner !== undefined && ready.has(owner)) ?? false;
  }

  learn();
  return {
    learn,
    complete,
    replicas,
    /** Why nobody, or not everybody, answered when last asked. */
    problem: () => problem,
    ownerOf: (slot: number) => nodes.get(view?.owners[slot] ?? ''),
    primaries: () => (view?.primaries ?? []).flatMap((host) => nodes.get(hostName(host)) ?? []),
    /** A node that another has named. */
    named: connectNamed,
    moved(slot: number, host: RedisHost): void {
      connectNamed(host);
      if (view) view.owners[slot] = hostName(host);
      learn();
    },
    async close() {
      closed = true;
      await Promise.all([...nodes.values()].map((node) => node.close()));
    },
  };
}

/** However long a page may wait: the others know already who takes the place of one that is frozen. */
function soon<Reply>(asked: Promise<Reply>): Promise<Reply> {
  const late = sleep(800, undefined, { ref: false }).then((): never => {
    throw new StoreUnavailable('live', new Error('a node does not say how things are'));
  });
  return Promise.race([asked, late]);
}

async function askForView(redis: Redis, host: RedisHost): Promise<ClusterView> {
  const [info, slots, nodes] = await Promise.all([
    redis.cluster('INFO'),
    redis.cluster('SLOTS'),
    redis.cluster('NODES'),
  ]);
  return readClusterView({ info: String(info), slots, nodes: String(nodes), asked: host });
}
