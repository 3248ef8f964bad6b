import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { newId } from '../../src/kit/secrets.ts';
import { type LiveKey, type LiveStep, mostInPage } from '../../src/store/live.ts';
import { allMembers, memberPages } from '../../src/store/live-members.ts';
import { openLiveRedis } from '../../src/store/live-redis.ts';
import { liveHomes } from '../support/live-homes.ts';
import { type TestLive, testClock, untilAnswering } from '../support/stores.ts';

/** An index far larger than one answer may be. */
describe.each(liveHomes)('on $name, a large index', ({ open }) => {
  let store: TestLive;
  beforeAll(async () => {
    store = await open();
  });
  afterAll(() => store?.close());

  const newIndex = (): LiveKey => `{${newId()}}:index`;
  const names = (count: number, first = 0) =>
    Array.from({ length: count }, (_, place) => `m${String(first + place).padStart(6, '0')}`);
  const later = () => store.clock.now() + 600_000;

  async function change(key: LiveKey, members: readonly string[], step: (member: string) => LiveStep) {
    for (let from = 0; from < members.length; from += 500)
      await store.live.commit(members.slice(from, from + 500).map((member) => ({ ...step(member), key })));
  }
  const enlist = (key: LiveKey, members: readonly string[], expiresAt: (member: string) => number = later) =>
    change(key, members, (member) => ({ do: 'enlist', key, member, expiresAt: expiresAt(member) }));
  const strike = (key: LiveKey, members: readonly string[]) =>
    change(key, members, (member) => ({ do: 'strike', key, member }));

  const all = names(3 * mostInPage + 7);
  const shuffled = (items: readonly string[]) =>
    [...items].sort((a, b) => (a.split('').reverse().join('') < b.split('').reverse().join('') ? -1 : 1));

  it.each<[string, (at: number) => (member: string) => number]>([
    ['end in the same moment', (at) => () => at],
    ['end at moments of their own', (at) => (member) => at + ((Number(member.slice(1)) * 7919) % 100_003)],
    ['end at a few moments', (at) => (member) => at + (Number(member.slice(1)) % 3)],
  ])('is read in pages, each member once, where they %s', async (_, endOf) => {
    const key = newIndex();
    await enlist(key, shuffled(all), endOf(later()));
    const pages = await Array.fromAsync(memberPages(store, key));
    expect(pages.length).toBeGreaterThan(3);
    expect(Math.max(...pages.map((page) => page.length))).toBeLessThanOrEqual(mostInPage);
    expect(pages.flatMap((page) => page.map(({ member }) => member)).sort()).toEqual(all);
    expect((await allMembers(store, key)).map(({ expiresAt }) => expiresAt)).toEqual(
      all.map(endOf(later())).sort((a, b) => a - b),
    );
  });

  it('ends with a page that is just full, and takes members that are no letters', async () => {
    const key = newIndex();
    const odd = ['\u{ffff}', 'é', 'e', 'Z', 'z', '-', '_', ' ', 'ß', '\u{1f600}'];
    const members = [...names(2 * mostInPage - odd.length), ...odd];
    const at = later();
    await enlist(key, members, () => at);
    expect((await allMembers(store, key)).map(({ member }) => member).sort()).toEqual([...members].sort());
  });

  it('is met whole by who reads it, whoever comes and goes meanwhile', async () => {
    const key = newIndex();
    const [staying, going] = [all, names(2 * mostInPage, 500_000)];
    const at = later();
    // Among each other in both orders.
    const end = (member: string) => at + (Number(member.slice(1)) % 2);
    await enlist(key, [...staying, ...going], end);
    const met: string[] = [];
    let turn = 0;
    for await (const page of memberPages(store, key)) {
      met.push(...page.map(({ member }) => member));
      await strike(key, going.slice(turn * 300, (turn + 1) * 300));
      await enlist(key, names(300, 900_000 + turn * 300), end);
      // Those just read are the place where the next page begins.
      await strike(
        key,
        page.slice(-3).map(({ member }) => member),
      );
      turn += 1;
    }
    const once = met.filter((member) => Number(member.slice(1)) < 500_000);
    expect(once.sort()).toEqual(staying);
  });

  it('lists nobody whose time is over, while others were read', async () => {
    const key = newIndex();
    const soon = store.clock.now() + 1000;
    await enlist(key, names(mostInPage + 10), () => soon);
    await enlist(key, ['lasting']);
    const first = await store.live.members(key);
    await store.pass(1100);
    const rest = first.next === undefined ? [] : (await store.live.members(key, first.next)).members;
    expect([...first.members, ...rest].map(({ member }) => member)).toContain('lasting');
    expect(rest.filter(({ member }) => member !== 'lasting')).toEqual([]);
    expect((await allMembers(store, key)).map(({ member }) => member)).toEqual(['lasting']);
    // Any number that is over leaves with time, and the one that lasts stays.
    for (let again = 0; again < 10; again += 1) await strike(key, ['nobody']);
    expect((await allMembers(store, key)).map(({ member }) => member)).toEqual(['lasting']);
  });
});

const url = process.env['TEST_REDIS_URL'];
const onRedis = url === undefined ? undefined : it;
onRedis?.('Redis drops so many members that are over in one step, and no more', async () => {
  const [clock, redis] = [testClock(), new Redis(String(url))];
  const prefix = `${newId()}:`;
  const live = openLiveRedis({ url: String(url), prefix, clock });
  await untilAnswering(live);
  const key: LiveKey = '{a}:index';
  const now = clock.now();
  const soon = Array.from(
    { length: 300 },
    (_, place): LiveStep => ({
      do: 'enlist',
      key,
      member: `m${place}`,
      expiresAt: now + 1000,
    }),
  );
  await live.commit([...soon, { do: 'enlist', key, member: 'lasting', expiresAt: now + 600_000 }]);
  clock.advance(2000);
  const left = [];
  for (let again = 0; again < 4; again += 1) {
    await live.commit([{ do: 'strike', key, member: 'nobody' }]);
    left.push(await redis.zcard(`${prefix}${key}`));
  }
  expect(left).toEqual([201, 101, 1, 1]);
  await live.close();
  redis.disconnect();
});
