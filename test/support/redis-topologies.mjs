/** Several Redis servers that work together, for a test: a Cluster, or a primary with replicas and sentinels. */
import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { askRedis, runRedis } from './redis-server.mjs';
import { freePorts } from './server-process.mjs';

const slots = 16384;

/**
 * A Redis Cluster of `nodes` primaries with `replicas` replicas each, the primaries first. `config` are lines of every
 * node's redis.conf. A primary that is silent for `nodeTimeoutMs` is replaced by its replica.
 */
export async function startRedisCluster({ nodes = 3, replicas = 0, nodeTimeoutMs = 1000, config = [] } = {}) {
  const password = newPassword();
  const count = nodes * (1 + replicas);
  const ports = await freePorts(count * 2);
  const own = [`masterauth ${password}`, 'cluster-enabled yes', `cluster-node-timeout ${nodeTimeoutMs}`];
  const running = await startAll(
    ports.slice(0, count).map((port, place) => ({
      port,
      password,
      lines: [...own, quickSync, `cluster-port ${ports[count + place]}`, ...config],
    })),
  );
  await orStop(running, () => joinCluster(running, { primaries: nodes, busPorts: ports.slice(count) }));
  const addresses = running.slice(0, nodes).map(addressOf).join();
  return {
    url: `redis+cluster://:${password}@${addresses}`,
    nodes: running,
    stop: () => stopAll(running),
  };
}

/**
 * A primary with replicas, the primary first, watched by sentinels that have a password of their own. `config` are lines
 * of each redis.conf. A primary that is silent for `downAfterMs` is replaced by a replica.
 */
export async function startRedisSentinel({
  replicas = 2,
  sentinels = 3,
  downAfterMs = 1000,
  config = [],
} = {}) {
  const [password, sentinelPassword] = [newPassword(), newPassword()];
  const [first, ...ports] = await freePorts(1 + replicas + sentinels);
  const own = [`masterauth ${password}`, quickSync, ...config];
  const following = [`replicaof 127.0.0.1 ${first}`, ...own];
  const nodes = await startAll([
    { port: first, password, lines: own },
    ...ports.slice(0, replicas).map((port) => ({ port, password, lines: following })),
  ]);
  const watching = {
    password: sentinelPassword,
    sentinel: true,
    lines: [
      `sentinel monitor ${primaryName} 127.0.0.1 ${first} ${Math.floor(sentinels / 2) + 1}`,
      `sentinel auth-pass ${primaryName} ${password}`,
      `sentinel sentinel-pass ${sentinelPassword}`,
      `sentinel down-after-milliseconds ${primaryName} ${downAfterMs}`,
      `sentinel failover-timeout ${primaryName} 3000`,
      // All replicas at once: the data of a test is small.
      `sentinel parallel-syncs ${primaryName} ${Math.max(1, replicas)}`,
    ],
  };
  const watchers = await orStop(nodes, async () => {
    await until(() => hasReplicas(nodes[0], replicas));
    return startAll(ports.slice(replicas).map((port) => ({ port, ...watching })));
  });
  await orStop([...nodes, ...watchers], () => until(() => knowAll(watchers, replicas)));
  return {
    url: `redis+sentinel://:${password}@${watchers.map(addressOf).join()}/${primaryName}?sentinel_password=${sentinelPassword}`,
    nodes,
    sentinels: watchers,
    /** The node that a sentinel calls the primary now. */
    primary: () => primaryOf(watchers, nodes),
    stop: () => stopAll([...nodes, ...watchers]),
  };
}

const primaryName = 'latchkey';
// Without it a primary waits five seconds for more replicas before it sends its data.
const quickSync = 'repl-diskless-sync-delay 0';
const newPassword = () => randomBytes(12).toString('hex');
const addressOf = ({ port }) => `127.0.0.1:${port}`;

async function startAll(servers) {
  const starts = await Promise.allSettled(servers.map(runRedis));
  const running = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []));
  const failed = starts.find((start) => start.status === 'rejected');
  if (!failed) return running;
  await stopAll(running);
  throw failed.reason;
}

async function stopAll(servers) {
  await Promise.all(servers.map((server) => server.stop()));
}

async function orStop(servers, work) {
  try {
    return await work();
  } catch (problem) {
    await stopAll(servers);
    throw problem;
  }
}

async function until(holds, withinMs = 90_000) {
  const giveUpAt = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > giveUpAt) throw new Error(`the servers did not come together: ${holds}`);
    await wait(50);
  }
}

/** Gives each primary its share of the slots, and lets the others follow them in turn. */
async function joinCluster(running, { primaries, busPorts }) {
  const share = Math.ceil(slots / primaries);
  const own = running.slice(0, primaries);
  for (const [place, node] of own.entries())
    await askRedis(
      [node],
      // An epoch each, so that they need not quarrel about one.
      ['CLUSTER', 'SET-CONFIG-EPOCH', place + 1],
      ['CLUSTER', 'ADDSLOTSRANGE', place * share, Math.min((place + 1) * share, slots) - 1],
    );
  const others = running.slice(1);
  const meet = ({ port }, place) => ['CLUSTER', 'MEET', '127.0.0.1', port, busPorts[place + 1]];
  if (others.length > 0) await askRedis([running[0]], ...others.map(meet));
  await until(() => sayAll(running, ['CLUSTER', 'INFO'], `cluster_known_nodes:${running.length}`));
  const ids = (await askRedis(own, ['CLUSTER', 'MYID'])).flat();
  for (const [place, replica] of running.slice(primaries).entries())
    await askRedis([replica], ['CLUSTER', 'REPLICATE', ids[place % primaries]]);
  await until(() => sayAll(running, ['CLUSTER', 'INFO'], 'cluster_state:ok'));
  const following = (running.length - primaries) / primaries;
  for (const node of own) await until(() => hasReplicas(node, following));
}

async function sayAll(servers, question, expected) {
  const answers = await askRedis(servers, question);
  return answers.flat().every((answer) => answer.includes(expected));
}

/** As many as said, all of them up to date. */
async function hasReplicas(node, count) {
  const [[answer]] = await askRedis([node], ['INFO', 'replication']);
  return (answer.match(/^slave\d+:.*state=online/gm) ?? []).length === count;
}

/** Each sentinel knows the replicas and the other sentinels, so that a failover can be agreed on. */
async function knowAll(sentinels, replicas) {
  const expected = new RegExp(`status=ok,address=[^,]+,slaves=${replicas},sentinels=${sentinels.length}\\b`);
  const answers = await askRedis(sentinels, ['INFO', 'sentinel']);
  return answers.flat().every((answer) => expected.test(answer));
}

async function primaryOf(sentinels, nodes) {
  const asked = await Promise.allSettled(
    sentinels.map((sentinel) => askRedis([sentinel], ['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', primaryName])),
  );
  const [answer] = asked.flatMap((one) => (one.status === 'fulfilled' ? [one.value[0][0]] : []));
  return nodes.find(({ port }) => port === Number(answer?.[1]));
}
