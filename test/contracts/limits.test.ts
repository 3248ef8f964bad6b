import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { listEvents } from '../../src/audit/list.ts';
import { newId } from '../../src/kit/secrets.ts';
import { addressBucket, giveBack, limits, type Take, takeFromLimits } from '../../src/limits/limits.ts';
import { openServices } from '../../src/services.ts';
import { readSettings } from '../../src/settings.ts';
import { type Metrics, openMetrics } from '../../src/web/metrics.ts';
import {
  liveKinds,
  openTestLive,
  openTestServices,
  type TestLive,
  type TestServices,
  testFolder,
} from '../support/stores.ts';

describe.each(liveKinds)('limits counted on %s', (kind) => {
  let store: TestLive;
  let metrics: Metrics;
  let services: TestServices;
  beforeAll(async () => {
    store = await openTestLive(kind);
    services = await openTestServices();
    metrics = openMetrics();
  });
  afterAll(async () => {
    await services.close();
    await store.close();
  });

  const context = () => ({ ...services, live: store.live, metrics });
  const take = (...takes: Take[]) => takeFromLimits(context(), takes);
  const look = (...takes: Take[]) => takeFromLimits(context(), takes, 0);
  const narrowOne = (): Take => ({ limit: 'reset_by_contact', key: newId() });
  const times = (count: number, take: () => Promise<{ ok: boolean }>) =>
    Promise.all(Array.from({ length: count }, take));
  const passed = (answers: { ok: boolean }[]) => answers.filter(({ ok }) => ok).length;

  it('let exactly as many through as they say, however many race', async () => {
    const key = narrowOne();
    expect(passed(await times(200, () => take(key)))).toBe(limits.reset_by_contact.max);
    expect(await take(key)).toMatchObject({ ok: false, reason: 'limited' });
  });

  it('say when to come again, and mean it', async () => {
    const key = narrowOne();
    await times(limits.reset_by_contact.max, () => take(key));
    const refusal = await take(key);
    if (refusal.ok) throw new Error('should be refused');
    expect(refusal.retryAfterSeconds).toBeGreaterThan(3590);
    expect(refusal.retryAfterSeconds).toBeLessThanOrEqual(3600);
    // Redis goes by its own time, and nobody waits an hour for a test.
    if (kind !== 'sqlite') return;
    await store.pass(refusal.retryAfterSeconds * 1000);
    expect(await take(key)).toEqual({ ok: true });
  });

  it('look without counting, and see the limit once it is reached', async () => {
    const key = narrowOne();
    for (let tries = 0; tries < limits.reset_by_contact.max; tries += 1) {
      expect(await look(key)).toEqual({ ok: true });
      expect(await take(key)).toEqual({ ok: true });
    }
    expect(await look(key)).toMatchObject({ reason: 'limited' });
  });

  it('stop at the first that is over, so that the refused use up nothing that others share', async () => {
    const [narrow, wide] = [narrowOne(), { limit: 'password_by_address', key: newId() } as const];
    await times(100, () => take(narrow, wide));
    // Only those that the narrow one let through were counted in the wide one.
    const left = limits.password_by_address.max - limits.reset_by_contact.max;
    expect(passed(await times(100, () => take(wide)))).toBe(left);
  });

  it('count in none who is refused by one of them', async () => {
    const [wide, narrow] = [{ limit: 'password_by_address', key: newId() } as const, narrowOne()];
    await times(100, () => take(wide, narrow));
    const left = limits.password_by_address.max - limits.reset_by_contact.max;
    expect(passed(await times(100, () => take(wide)))).toBe(left);
  });

  it('take back what was no failure', async () => {
    const key = narrowOne();
    for (let tries = 0; tries < 30; tries += 1) {
      expect(await take(key)).toEqual({ ok: true });
      await giveBack(context(), [key]);
    }
    expect(passed(await times(50, () => take(key)))).toBe(limits.reset_by_contact.max);
  });

  it('forget who was refused: of many at once that were no failures nothing is left', async () => {
    const key = { limit: 'password_by_address', key: newId() } as const;
    const answers = await times(3 * limits.password_by_address.max, () => take(key));
    expect(passed(answers)).toBe(limits.password_by_address.max);
    // All who were let in had the right password.
    await times(passed(answers), async () => {
      await giveBack(context(), [key]);
      return { ok: true };
    });
    expect(passed(await times(60, () => take(key)))).toBe(limits.password_by_address.max);
  });

  it('count the addresses of one network as one', async () => {
    const network = `2001:db8:${Math.floor(Math.random() * 65_535).toString(16)}:7`;
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, n) =>
        take({ limit: 'password_by_address', key: `${network}::${n.toString(16)}` }),
      ),
    );
    expect(passed(answers)).toBe(limits.password_by_address.max);
    expect(await take({ limit: 'password_by_address', key: `${network}:8:0:0:0` })).toMatchObject({
      ok: false,
    });
  });

  it('know everyone without a key', async () => {
    expect(await look({ limit: 'password_by_everyone' })).toEqual({ ok: true });
  });

  it('tell the metrics what was hit', async () => {
    const hits = async () => {
      const { values } = await metrics.limitsHit.get();
      return values.find(({ labels }) => labels.limit === 'sign_up_by_address')?.value ?? 0;
    };
    const key = { limit: 'sign_up_by_address', key: newId() } as const;
    await times(limits.sign_up_by_address.max + 3, () => take(key));
    expect(await hits()).toBe(3);
  });

  it('are recorded when they are reached, once in their time and not for each who comes after', async () => {
    const address = `2001:db8:${Math.floor(Math.random() * 65_535).toString(16)}:9::1`;
    const key = { limit: 'code_guess_by_address', key: address } as const;
    await times(limits.code_guess_by_address.max + 20, () => take(key));
    const events = await listEvents(services, { types: ['limit.hit'], limit: 50 });
    const mine = events.filter(({ detail }) => detail['limit'] === 'code_guess_by_address');
    expect(mine.map(({ detail }) => detail)).toEqual([
      { limit: 'code_guess_by_address', address: addressBucket(address) },
    ]);
  });

  it('are of another size where a setting says so', async () => {
    const key = { limit: 'text_by_country', key: newId(), max: 3 } as const;
    expect(passed(await times(10, () => take(key)))).toBe(3);
  });

  it('count the pieces of a /48 as one network, and IPv4 neighbours as strangers (misuse case RL-01)', async () => {
    const piece = `2001:db8:${Math.floor(Math.random() * 65_535).toString(16)}`;
    const { max } = limits.code_by_network;
    const answers = await Promise.all(
      Array.from({ length: max + 30 }, (_, n) =>
        take({ limit: 'code_by_network', key: `${piece}:${n.toString(16)}::1` }),
      ),
    );
    expect(passed(answers)).toBe(max);
    await times(max + 1, () => take({ limit: 'code_by_network', key: '203.0.113.77' }));
    expect(await take({ limit: 'code_by_network', key: '203.0.113.78' })).toEqual({ ok: true });
  });
});

describe('limits', () => {
  it('are kept when the server restarts', async () => {
    const folder = testFolder();
    const settings = readSettings({ DATA_DIR: folder.path, LOG_LEVEL: 'silent' });
    const key = { limit: 'reset_by_contact', key: newId() } as const;
    const first = await openServices(settings);
    for (let tries = 0; tries < limits.reset_by_contact.max; tries += 1) await takeFromLimits(first, [key]);
    await first.close();
    const second = await openServices(settings);
    expect(await takeFromLimits(second, [key])).toMatchObject({ reason: 'limited' });
    await second.close();
    folder.remove();
  });

  it.each([
    ['203.0.113.9', '203.0.113.9'],
    ['::ffff:203.0.113.9', '203.0.113.9'],
    ['::FFFF:cb00:7109', '203.0.113.9'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002::', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['2001:db8:1:2::/64', '2001:db8:1:2::/64'],
    ['unknown', 'unknown'],
  ])('count %s as %s', (address, bucket) => {
    expect(addressBucket(address)).toBe(bucket);
  });
});
