import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { removeAccount } from '../../src/actions/remove-account.ts';
import { forgetWhatIsOver } from '../../src/actions/watch-failures.ts';
import { listEvents } from '../../src/audit/list.ts';
import { minutes } from '../../src/kit/durations.ts';
import { isStopped, stopFor } from '../../src/limits/kept-limits.ts';
import { giveBack, limits, type Take, takeFromLimits } from '../../src/limits/limits.ts';
import { wipeLiveState } from '../support/wipe-live.ts';
import { openWorld, type World } from '../support/world.ts';
import { worldKinds } from '../support/world-kinds.ts';

const app = 'an-app';
/** Each that protects an account, as a take of somebody's. */
const protecting = {
  approval_by_account: (key: string): Take => ({ limit: 'approval_by_account', key }),
  text_by_account: (key: string): Take => ({ limit: 'text_by_account', key }),
  ciba_messages_by_account: (key: string): Take => ({ limit: 'ciba_messages_by_account', key }),
  ciba_refusals_by_app_and_account: (key: string, of = app): Take => ({
    limit: 'ciba_refusals_by_app_and_account',
    key,
    app: of,
  }),
};
const names = Object.keys(protecting) as (keyof typeof protecting)[];

it('are all that are counted by the account they protect', () => {
  const all = Object.entries<{ keyedBy: string; kept?: true }>(limits);
  const named = (is: (one: { keyedBy: string; kept?: true }) => boolean) =>
    all.filter(([, one]) => is(one)).map(([name]) => name);
  expect(named(({ kept }) => kept === true).toSorted()).toEqual(names.toSorted());
  expect(named(({ keyedBy }) => keyedBy.startsWith('account')).toSorted()).toEqual(names.toSorted());
});

describe.each(worldKinds)('limits that protect an account, on $name', ({ open }) => {
  let world: World;
  let beside: World;
  beforeAll(async () => {
    world = await open();
    beside = await openWorld({}, { beside: world });
  });
  afterAll(async () => {
    await beside.close();
    await world.close();
  });

  const newAccount = async () => (await world.account()).accountId;
  const take = (one: Take, on = world) => takeFromLimits(on.services, [one]);
  const passed = (answers: { ok: boolean }[]) => answers.filter(({ ok }) => ok).length;
  /** At once, half of them on each process. */
  const times = (count: number, one: Take) =>
    Promise.all(Array.from({ length: count }, (_, at) => take(one, at % 2 === 0 ? world : beside)));
  const rowsOf = (accountId: string) =>
    world.services.db
      .selectFrom('kept_limits')
      .select(['name', 'app', 'count'])
      .where('account_id', '=', accountId)
      .execute();

  it.each(names)('let exactly as many through as %s says, and outlive the live state', async (name) => {
    const { max, windowMs } = limits[name];
    const one = protecting[name](await newAccount());
    expect(passed(await times(50, one))).toBe(max);
    await wipeLiveState(world);
    const refusal = await take(one);
    expect(refusal).toMatchObject({ ok: false, reason: 'limited' });
    expect(await takeFromLimits(beside.services, [one], 0)).toMatchObject({ ok: false });
    const { retryAfterSeconds } = refusal as Extract<typeof refusal, { ok: false }>;
    expect(retryAfterSeconds).toBeLessThanOrEqual(windowMs / 1000);
    world.advance(retryAfterSeconds * 1000);
    expect(passed(await times(50, one))).toBe(max);
  });

  it('last their time from the first one on, and not a moment more for each who comes after', async () => {
    const one = protecting.approval_by_account(await newAccount());
    const { max, windowMs } = limits.approval_by_account;
    await world.still(async () => {
      await take(one);
      world.advance(windowMs / 2);
      await times(max - 1, one);
      world.advance(windowMs / 2 - 1);
      expect(passed(await times(10, one))).toBe(0);
      world.advance(1);
      expect(passed(await times(10, one))).toBe(max);
    });
  });

  it('take back what was for nothing, and of the refused nothing', async () => {
    const one = protecting.text_by_account(await newAccount());
    for (let time = 0; time < 3; time += 1) await giveBack(world.services, [one]);
    expect(passed(await times(50, one))).toBe(limits.text_by_account.max);
    await Promise.all([1, 2, 3].map(() => giveBack(world.services, [one])));
    expect(passed(await times(50, one))).toBe(3);
  });

  it('take back nothing when their time is over, nor more than was taken', async () => {
    const accountId = await newAccount();
    const one = protecting.text_by_account(accountId);
    await times(2, one);
    for (let time = 0; time < 5; time += 1) await giveBack(world.services, [one]);
    expect(await rowsOf(accountId)).toMatchObject([{ count: 0 }]);
    await times(2, one);
    world.advance(limits.text_by_account.windowMs);
    await giveBack(world.services, [one]);
    expect(await rowsOf(accountId)).toMatchObject([{ count: 2 }]);
  });

  it('count in none who is refused by one of them', async () => {
    const [full, other] = [
      protecting.approval_by_account(await newAccount()),
      protecting.text_by_account(await newAccount()),
    ];
    await times(50, full);
    await Promise.all(Array.from({ length: 20 }, () => takeFromLimits(world.services, [other, full])));
    expect(passed(await times(50, other))).toBe(limits.text_by_account.max);
  });

  it('of one account, and of one app at it, are nobody else’s', async () => {
    const [accountId, another] = [await newAccount(), await newAccount()];
    const refusals = protecting.ciba_refusals_by_app_and_account;
    for (const name of names) await times(20, protecting[name](accountId));
    for (const free of [refusals(accountId, 'another-app'), refusals(another), refusals(accountId, '')])
      expect(await take(free)).toEqual({ ok: true });
    expect(await take(protecting.approval_by_account(another))).toEqual({ ok: true });
  });

  it('are recorded when they are reached, once in their time, and not whose they are', async () => {
    const one = protecting.ciba_messages_by_account(await newAccount());
    const hits = async () =>
      (await listEvents(world.services, { types: ['limit.hit'], limit: 500 })).filter(
        ({ detail }) => detail['limit'] === 'ciba_messages_by_account',
      );
    const before = (await hits()).length;
    await times(50, one);
    const after = await hits();
    expect(after).toHaveLength(before + 1);
    expect(after[0]?.detail).toEqual({ limit: 'ciba_messages_by_account' });
  });

  it('go with the account', async () => {
    const [accountId, another] = [await newAccount(), await newAccount()];
    for (const one of [accountId, another]) {
      for (const name of names) await take(protecting[name](one));
      await stopFor(world.services, { accountId: one, name: 'approvals_held' }, 5 * minutes);
    }
    expect(await rowsOf(accountId)).toHaveLength(names.length + 1);
    expect(await removeAccount(world.services, { accountId, reason: '' })).toMatchObject({ ok: true });
    expect(await rowsOf(accountId)).toEqual([]);
    expect(await rowsOf(another)).toHaveLength(names.length + 1);
  });

  it('are swept when they are over, and no sooner', async () => {
    const accountId = await newAccount();
    await take(protecting.approval_by_account(accountId));
    await forgetWhatIsOver(world.services);
    expect(await rowsOf(accountId)).toHaveLength(1);
    world.advance(limits.approval_by_account.windowMs);
    await take(protecting.text_by_account(accountId));
    await forgetWhatIsOver(world.services);
    expect(await rowsOf(accountId)).toEqual([{ name: 'text_by_account', app: '', count: 1 }]);
  });

  it('a stop lasts as long as the longest that was said, of this account alone', async () => {
    const accountId = await newAccount();
    const stop = { accountId, name: 'approvals_held' } as const;
    await stopFor(world.services, stop, 60 * minutes);
    await stopFor(world.services, stop, 5 * minutes);
    world.advance(59 * minutes);
    expect(await isStopped(beside.services, stop)).toBe(true);
    await stopFor(world.services, stop, 60 * minutes);
    world.advance(2 * minutes);
    expect(await isStopped(world.services, stop)).toBe(true);
    expect(await isStopped(world.services, { ...stop, accountId: await newAccount() })).toBe(false);
    world.advance(58 * minutes);
    expect(await isStopped(world.services, stop)).toBe(false);
  });
});
