import type { LiveStore } from '../../src/store/live.ts';
import type { World } from './world.ts';

/**
 * How often a server waits for its live state in the course of `work`: what it asks side by side is one time of waiting.
 * One request at a time, or they are counted together.
 */
export async function roundTrips(
  { services: { live } }: World,
  work: () => Promise<unknown>,
): Promise<{ trips: number; calls: string[] }> {
  const calls: string[] = [];
  let underWay = 0;
  let trips = 0;
  const methods = ['read', 'commit', 'members', 'count'] as const;
  const originals = Object.fromEntries(methods.map((name) => [name, live[name]])) as Pick<
    LiveStore,
    (typeof methods)[number]
  >;
  for (const name of methods) {
    const original = live[name] as (...args: unknown[]) => Promise<unknown>;
    Object.assign(live, {
      [name]: async (...args: unknown[]) => {
        calls.push(name);
        if (underWay === 0) trips += 1;
        underWay += 1;
        try {
          return await original(...args);
        } finally {
          underWay -= 1;
        }
      },
    });
  }
  try {
    await work();
  } finally {
    Object.assign(live, originals);
  }
  return { trips, calls };
}
