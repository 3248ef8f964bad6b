import type { LiveStore } from '../../src/store/live.ts';
import { onTheWire } from './redis-wire.ts';
import type { World } from './world.ts';

/**
 * How often a server waits for its live state in the course of `work`: what it asks side by side is one time of waiting.
 * Where that is Redis it is counted on the wire (redis-wire.ts), and nothing that was asked may have walked through keys.
 * One request at a time, or they are counted together.
 */
export async function roundTrips(
  world: World,
  work: () => Promise<unknown>,
  /** Where its live state is spread: the address of every Redis server that may be asked. */
  spreadOver?: readonly string[],
): Promise<{ trips: number; calls: string[] }> {
  const counting = countCalls(world.services.live);
  const addresses = spreadOver ?? [world.environment['REDIS_URL'] ?? []].flat();
  try {
    if (addresses.length === 0) {
      await work();
      return { trips: counting.turns(), calls: counting.calls };
    }
    const { trips, walks } = await onTheWire(addresses, work, spreadOver ? { besides: upkeep } : {});
    if (walks.length > 0) throw new Error(`Redis was made to walk: ${walks.join('; ')}`);
    return { trips, calls: counting.calls };
  } finally {
    counting.stop();
  }
}

/** What several servers, their sentinels and we say to one another from time to time, for no request. One server hears none of it. */
const upkeep = ['ping', 'info', 'publish', 'sentinel', 'cluster', 'config', 'time'];

const methods = ['read', 'commit', 'members', 'count'] as const;

/** The turn of a call is one more than that of the last that was answered before it began. */
function countCalls(live: LiveStore): { calls: string[]; turns(): number; stop(): void } {
  const calls: string[] = [];
  let [answered, turns] = [0, 0];
  const originals = Object.fromEntries(methods.map((name) => [name, live[name]])) as Pick<
    LiveStore,
    (typeof methods)[number]
  >;
  for (const name of methods) {
    const original = live[name] as (...args: unknown[]) => Promise<unknown>;
    Object.assign(live, {
      [name]: async (...args: unknown[]) => {
        calls.push(name);
        const turn = answered + 1;
        turns = Math.max(turns, turn);
        try {
          return await original(...args);
        } finally {
          answered = Math.max(answered, turn);
        }
      },
    });
  }
  return { calls, turns: () => turns, stop: () => void Object.assign(live, originals) };
}
