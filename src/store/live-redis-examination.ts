import { StoreUnavailable } from './live.ts';
import type { RedisAddress } from './live-redis-address.ts';
import { type RedisServers, stateOf } from './live-redis-servers.ts';
import { judgeReplication, judgeServer, type RedisState, type RedisVerdict } from './live-redis-state.ts';

export type RedisExamination = { states: RedisState[]; verdicts: RedisVerdict[]; waitReplicas: number };

/** Looks at every primary and, since any of them may be the next primary, at every replica that can be reached. */
export async function examineServers(
  servers: Pick<RedisServers, 'usable' | 'states' | 'waitReplicas'>,
  address: RedisAddress,
): Promise<RedisExamination> {
  const { form } = address;
  const primaries = await servers.states();
  const hosts = primaries.flatMap(({ replicaHosts }) => replicaHosts);
  const visits = await Promise.allSettled(hosts.map((host) => stateOf(address, host)));
  // One that does not answer is missing among those that are up to date, which its primary tells.
  const replicas = visits.flatMap((visit) => (visit.status === 'fulfilled' ? [visit.value] : []));
  const states = [...primaries, ...replicas];
  const waitReplicas = servers.waitReplicas();
  const verdicts = [
    ...states.flatMap((state) => judgeServer(state, form)),
    ...primaries.flatMap((state) => judgeReplication(state, { form, waitReplicas })),
  ];
  // One that is not fit for use never becomes usable, so that is said first.
  if (!servers.usable() && !verdicts.some(({ verdict }) => verdict === 'FAIL'))
    throw new StoreUnavailable('live', new Error('not every server can be used yet'));
  return { states, waitReplicas, verdicts };
}
