import { describe, expect, it } from '@jest/globals';
import { openDoubt } from '../../src/store/live-redis-doubt.ts';
import { isAt, newestOf } from '../../src/store/live-redis-sentinels.ts';

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
    const line: { peer: Peer; broken: number; reconnect(): void } = {
      peer,
      broken: 0,
      reconnect() {
        line.broken += 1;
      },
    };
    return line;
  }

  it('is doubted until every connection leads to the one that is named', async () => {
    const [reads, writes] = [lineTo(now), lineTo(before)];
    const doubt = openDoubt([reads, writes], async () => true);
    await doubt.heard(now);
    expect(doubt.why()).toContain('10.0.0.2:6379');
    expect([reads.broken, writes.broken]).toEqual([0, 1]);
    writes.peer = undefined;
    await doubt.heard(now);
    expect(doubt.why()).toContain('10.0.0.2:6379');
    writes.peer = now;
    await doubt.heard(now);
    expect(doubt.why()).toBeUndefined();
    writes.peer = undefined;
    await doubt.heard(now);
    expect(doubt.why()).toBeUndefined();
  });

  it('is doubted where too few sentinels are heard and nobody follows it', async () => {
    let followed: boolean | undefined = false;
    const doubt = openDoubt([lineTo(now)], async () => followed);
    await doubt.unheard();
    expect(doubt.why()).toContain('no replica follows');
    followed = undefined;
    await doubt.unheard();
    expect(doubt.why()).toContain('no replica follows');
    followed = true;
    await doubt.unheard();
    expect(doubt.why()).toBeUndefined();
  });

  it('stays doubted where it was replaced before the sentinels fell silent, whoever follows it', async () => {
    const line = lineTo(before);
    const doubt = openDoubt([line], async () => true);
    await doubt.heard(now);
    await doubt.unheard();
    expect(doubt.why()).toContain('10.0.0.2:6379');
    expect(line.broken).toBe(2);
    line.peer = now;
    await doubt.unheard();
    expect(doubt.why()).toBeUndefined();
  });
});
