import { setTimeout as sleep } from 'node:timers/promises';
import { StoreUnavailable } from './live.ts';
import type { RedisAddress } from './live-redis-address.ts';
import { type ClusterNode, openClusterNodes } from './live-redis-cluster-nodes.ts';
import { isReply } from './live-redis-line.ts';
import type { RedisServers, Waiting } from './live-redis-servers.ts';
import { readRedirection, slotOf } from './live-redis-slots.ts';

/**
 * A Redis Cluster. What a node did not do because the key is elsewhere (MOVED, ASK) or on its way (TRYAGAIN) is asked
 * again, for a moment; what may have been done is never asked again.
 */
export function openCluster(address: RedisAddress, waiting: Waiting): RedisServers {
  const nodes = openClusterNodes(address, waiting);

  return {
    async at(key, which, ask) {
      const slot = slotOf(key);
      const giveUpAt = performance.now() + lookFor * waiting.timeoutMs;
      let asked: ClusterNode | undefined;
      for (let node = nodes.ownerOf(slot); ; node = asked ?? nodes.ownerOf(slot)) {
        const patient = performance.now() < giveUpAt;
        if (!node?.[which].usable) {
          // Nothing was sent, so one that is just being connected to may be waited for.
          if (!asked) nodes.learn();
          if (!patient) throw new StoreUnavailable('live', nodes.problem());
          await sleep(10);
          continue;
        }
        try {
          return await ask(node[which], node === asked);
        } catch (error) {
          const elsewhere = readRedirection(error, node.host);
          if (!elsewhere && !isOnItsWay(error)) {
            // CLUSTERDOWN, say: a node that was cut off from the others goes on answering us while another has its slots.
            if (error instanceof StoreUnavailable) nodes.learn();
            throw error;
          }
          if (!patient) throw new StoreUnavailable('live', error);
          if (!elsewhere) await sleep(10);
          else if (elsewhere.moved) nodes.moved(elsewhere.slot, elsewhere.to);
          asked = elsewhere && !elsewhere.moved ? nodes.named(elsewhere.to) : undefined;
        }
      }
    },
    async ping() {
      const answers = await Promise.allSettled(
        nodes.primaries().map(({ reads }) => reads.call((redis) => redis.ping())),
      );
      const failed = answers.filter((answer) => answer.status === 'rejected');
      // The majority can agree on who takes the place of the others.
      if (answers.length === 0 || failed.length * 2 >= answers.length)
        throw new StoreUnavailable('live', failed[0]?.reason ?? nodes.problem());
    },
    usable: nodes.complete,
    async states() {
      nodes.learn();
      const primaries = nodes.primaries();
      if (primaries.length > 0) return Promise.all(primaries.map(({ reads }) => reads.state()));
      const problem = nodes.problem();
      if (problem instanceof StoreUnavailable && isReply(problem.cause, 'ERR This instance has cluster'))
        throw new Error('Redis is no Cluster; begin REDIS_URL with redis:// or redis+sentinel://');
      throw new StoreUnavailable('live', problem);
    },
    waitReplicas: nodes.replicas,
    close: nodes.close,
  };
}

/** How much of its time a call may look for its node. It leaves time for the answer: within that time all is known. */
const lookFor = 0.15;

const isOnItsWay = (error: unknown) => error instanceof StoreUnavailable && isReply(error.cause, 'TRYAGAIN');
