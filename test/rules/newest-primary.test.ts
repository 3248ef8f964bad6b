import { describe, expect, it } from '@jest/globals';
import { isAt, newestOf } from '../../src/store/live-redis-sentinels.ts';
import { doubtOf } from '../../src/store/live-redis-servers.ts';

const [before, now] = [
  { host: '10.0.0.1', port: 6379 },
  { host: '10.0.0.2', port: 6379 },
];

describe('which of the sentinels is believed', () => {
  it.each([
    ['the newest choice, also where most have not heard of it yet', [3, 3, 4], 4],
    ['a choice, where others may not tell when theirs was made', [undefined, undefined, 4], 4],
  ])('%s', (_, [first, second, third], epoch) => {
    const told = [
      { ...before, epoch: first },
      { ...before, epoch: second },
      { ...now, epoch: third },
    ];
    for (const order of [told, told.toReversed()]) expect(newestOf(order)).toEqual({ ...now, epoch });
  });

  it.each([1, undefined])('most of them, where the choice is the same (%s)', (epoch) => {
    const told = [before, now, now].map((host) => ({ ...host, epoch }));
    for (const order of [told, told.toReversed()]) expect(newestOf(order)).toEqual({ ...now, epoch });
  });

  it('nobody, where nobody answers', () => {
    expect(newestOf([])).toBeUndefined();
  });
});

describe('where a connection leads', () => {
  it('is compared with the address that the sentinels tell', async () => {
    expect(await isAt(now, now)).toBe(true);
    expect(await isAt(before, now)).toBe(false);
    expect(await isAt({ ...now, port: 6380 }, now)).toBe(false);
  });

  it('is compared with all addresses of a name, where they tell names', async () => {
    expect(await isAt({ host: '127.0.0.1', port: 6379 }, { host: 'localhost', port: 6379 })).toBe(true);
    expect(await isAt(now, { host: 'localhost', port: 6379 })).toBe(false);
  });

  it('is compared however an IPv6 address is written', async () => {
    expect(await isAt({ host: '2001:db8::1', port: 6379 }, { host: '2001:DB8:0:0::1', port: 6379 })).toBe(
      true,
    );
    expect(await isAt(now, { host: '::ffff:10.0.0.2', port: 6379 })).toBe(true);
    expect(await isAt({ host: '2001:db8::2', port: 6379 }, { host: '2001:db8::1', port: 6379 })).toBe(false);
  });

  it('stays open where nobody knows the name now', async () => {
    expect(await isAt(now, { host: 'nobody.invalid', port: 6379 })).toBe(true);
  });
});

describe('the primary that we talk to', () => {
  type Peer = { host: string; port: number } | undefined;
  function lineTo(peer: Peer) {
    const line = {
      peer,
      broken: 0,
      reconnect() {
        line.broken += 1;
      },
    };
    return line;
  }

  it('is doubted until every connection leads to the one that is named', async () => {
    const [right, wrong, none] = [lineTo(now), lineTo(before), lineTo(undefined)];
    expect(await doubtOf([right, wrong], now, undefined)).toContain('10.0.0.2:6379');
    expect([right.broken, wrong.broken]).toEqual([0, 1]);
    expect(await doubtOf([right, none], now, 'a doubt')).toBe('a doubt');
    expect(await doubtOf([right, none], now, undefined)).toBeUndefined();
    expect(await doubtOf([right, right], now, 'a doubt')).toBeUndefined();
  });
});
