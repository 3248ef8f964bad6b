import { type LiveStore, StoreUnavailable } from '../../src/store/live.ts';
import { onTheWire } from './redis-wire.ts';
import type { World } from './world.ts';

/**
 * How often a server waits for its live state in the course of `work`: what it asks side by side is one time of waiting.
 * Where that is Redis it is counted on the wire (redis-wire.ts), and nothing that was asked may have walked through keys.
 * One request at a time, or they are counted together. Work that the store left without an answer is not counted but throws.
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
      counting.refuseUnanswered();
      return { trips: counting.turns(), calls: counting.calls };
    }
    const { trips, walks } = await onTheWire(addresses, work, spreadOver ? { besides: upkeep } : {});
    counting.refuseUnanswered();
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
function countCalls(live: LiveStore): {
  calls: string[];
  turns(): number;
  refuseUnanswered(): void;
  stop(): void;
} {
  const calls: string[] = [];
  let unanswered: StoreUnavailable | undefined;
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
        } catch (error) {
          if (error instanceof StoreUnavailable) unanswered = error;
          throw error;
        } finally {
          answered = Math.max(answered, turn);
        }
      },
    });
  }
  return {
    calls,
    turns: () => turns,
    refuseUnanswered() {
      if (unanswered) throw unanswered;
    },
    stop: () => void Object.assign(live, originals),
  };
}
