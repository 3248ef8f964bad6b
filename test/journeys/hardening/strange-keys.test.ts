import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { hours } from '../../../src/kit/durations.ts';
import { limits, takeFromLimits } from '../../../src/limits/limits.ts';
import { liveFile } from '../../../src/store/data-folder.ts';
import type { World } from '../../support/world.ts';
import { worldKinds } from '../../support/world-kinds.ts';

/** What a million strangers leave behind, by some thousands of them (misuse case RL-07). */
describe.each(worldKinds)('limits on $name', ({ open }) => {
  let world: World;
  beforeAll(async () => {
    world = await open();
  });
  afterAll(() => world.close());

  /** The name of each counter, and how long it has left. */
  async function counters(): Promise<{ key: string; leftMs: number }[]> {
    const { settings, clock } = world.services;
    if (settings.REDIS_URL) {
      const redis = new Redis(settings.REDIS_URL);
      const keys = (await redis.keys('*')).filter((key) => key.includes('{limit.'));
      const found = await Promise.all(keys.map(async (key) => ({ key, leftMs: await redis.pttl(key) })));
      redis.disconnect();
      return found;
    }
    const file = new DatabaseSync(path.join(settings.DATA_DIR, liveFile), { readOnly: true });
    const rows = file.prepare("select key, resets_at from counters where key like '{limit.%'").all();
    file.close();
    return rows.map((row) => ({ key: String(row['key']), leftMs: Number(row['resets_at']) - clock.now() }));
  }

  it('keep something small for each of them, that ends by itself (RL-07)', async () => {
    const before = (await counters()).length;
    const strangers = Array.from({ length: 1500 }, (_, at) => at);
    await Promise.all(
      strangers.map((at) =>
        takeFromLimits(world.services, [
          { limit: 'password_by_address', key: `2001:db8:${at.toString(16)}::1` },
          // However long the name is that somebody made up.
          { limit: 'code_by_contact', key: `email ${'x'.repeat(at)}@example.com` },
        ]),
      ),
    );
    const kept = await counters();
    expect(kept.length - before).toBe(2 * strangers.length);
    expect(kept.filter(({ leftMs }) => !(leftMs > 0 && leftMs <= 24 * hours))).toEqual([]);
    const longest = Math.max(...Object.keys(limits).map((name) => name.length)) + 40;
    expect(kept.filter(({ key }) => key.length > longest)).toEqual([]);

    // Neighbours in one network are one stranger, with one count of tries and one of those that were refused.
    const addresses = Array.from({ length: 300 }, (_, at) => `2001:db8:ffff:1::${at.toString(16)}`);
    for (const key of addresses)
      await takeFromLimits(world.services, [{ limit: 'password_by_address', key }]);
    const added = (await counters()).filter(({ key }) => !kept.some((one) => one.key === key));
    expect(added.map(({ key }) => key.slice(key.lastIndexOf(':'))).sort()).toEqual([':count', ':hits']);
    expect(added.filter(({ leftMs }) => !(leftMs > 0 && leftMs <= 24 * hours))).toEqual([]);
  });
});
