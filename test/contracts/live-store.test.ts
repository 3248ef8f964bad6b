import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '../../src/kit/secrets.ts';
import { type LiveKey, type LiveStep, StoreUnavailable } from '../../src/store/live.ts';
import { allMembers } from '../../src/store/live-members.ts';
import { liveHomes } from '../support/live-homes.ts';
import type { TestLive } from '../support/stores.ts';

/** What every home of the live state promises. Each test has a partition of its own, so they share one store. */
describe.each(liveHomes)('the live state on $name', ({ open }) => {
  let store: TestLive;
  beforeAll(async () => {
    store = await open();
  });
  afterAll(() => store.close());

  const partition = () => {
    const tag = newId();
    return (rest: string): LiveKey => `{${tag}}:${rest}`;
  };
  const commit = (...steps: LiveStep[]) => store.live.commit(steps);
  const put = (key: LiveKey, value: string, ttlMs = 60_000) => commit({ do: 'put', key, value, ttlMs });
  const readOne = async (key: LiveKey) => (await store.live.read([key]))[0];
  const textOf = async (key: LiveKey) => (await readOne(key))?.value;
  // Redis goes by its own time: what is put for so long is there when it is read at once, also on a busy machine.
  const short = 1500;

  describe('entries', () => {
    it('reads what was put, in the order asked, and undefined for what is not there', async () => {
      const key = partition();
      await put(key('b'), 'two');
      await put(key('a'), 'one');
      const found = await store.live.read([key('b'), key('nothing'), key('a'), key('b')]);
      expect(found.map((entry) => entry?.value)).toEqual(['two', undefined, 'one', 'two']);
      expect(await store.live.read([])).toEqual([]);
    });

    it.each([
      ['nothing at all', ''],
      ['the mark of an unspent entry', '-'],
      ['what a spent entry looks like inside', '+someone\nvalue'],
      ['lines', 'line\nline\n'],
      ['all kinds of letters', 'Ω≈ç √∫ 日本語 🔑'],
      ['a long text', 'x'.repeat(200_000)],
    ])('keeps %s as it is, spent or not', async (_, value) => {
      const key = partition();
      await put(key('entry'), value);
      expect(await readOne(key('entry'))).toEqual({ value, consumedBy: undefined });
      await commit({ do: 'consume', key: key('entry'), by: 'Ω' });
      expect(await readOne(key('entry'))).toEqual({ value, consumedBy: 'Ω' });
    });

    it('overwrites with put, and what is put is unspent', async () => {
      const key = partition();
      await put(key('entry'), 'old');
      await commit({ do: 'consume', key: key('entry'), by: 'me' });
      await put(key('entry'), 'new');
      expect(await readOne(key('entry'))).toEqual({ value: 'new', consumedBy: undefined });
    });

    it('adds only what is not there', async () => {
      const key = partition();
      const add = (value: string) => commit({ do: 'add', key: key('entry'), value, ttlMs: 60_000 });
      expect(await add('first')).toEqual({ ok: true });
      expect(await add('second')).toEqual({ ok: false, reason: 'exists', step: 0 });
      await commit({ do: 'consume', key: key('entry'), by: 'me' });
      expect(await add('third')).toEqual({ ok: false, reason: 'exists', step: 0 });
      expect(await textOf(key('entry'))).toBe('first');
    });

    it('replaces what was read, and refuses when it is gone or somebody else wrote', async () => {
      const key = partition();
      const replace = (expected: string, value: string) =>
        commit({ do: 'replace', key: key('entry'), expect: expected, value, ttlMs: 60_000 });
      expect(await replace('one', 'two')).toEqual({ ok: false, reason: 'missing', step: 0 });
      await put(key('entry'), 'one');
      expect(await replace('one', 'two')).toEqual({ ok: true });
      expect(await replace('one', 'three')).toEqual({ ok: false, reason: 'changed', step: 0 });
      expect(await textOf(key('entry'))).toBe('two');
    });

    it('keeps the mark of a spent entry when it is replaced', async () => {
      const key = partition();
      await put(key('entry'), 'one');
      await commit({ do: 'consume', key: key('entry'), by: 'me' });
      await commit({ do: 'replace', key: key('entry'), expect: 'one', value: 'two', ttlMs: 60_000 });
      expect(await readOne(key('entry'))).toEqual({ value: 'two', consumedBy: 'me' });
    });

    it('spends an entry once, and lets the one who spent it say so again', async () => {
      const key = partition();
      const consume = (by: string) => commit({ do: 'consume', key: key('entry'), by });
      expect(await consume('me')).toEqual({ ok: false, reason: 'missing', step: 0 });
      await put(key('entry'), 'value');
      expect(await consume('me')).toEqual({ ok: true });
      expect(await consume('me')).toEqual({ ok: true });
      expect(await consume('someone else')).toEqual({ ok: false, reason: 'consumed', step: 0 });
      expect(await readOne(key('entry'))).toEqual({ value: 'value', consumedBy: 'me' });
    });

    it('requires, takes and deletes', async () => {
      const key = partition();
      const step = (what: 'require' | 'take' | 'delete') => commit({ do: what, key: key('entry') });
      const missing = { ok: false, reason: 'missing', step: 0 };
      expect([await step('require'), await step('take'), await step('delete')]).toEqual([
        missing,
        missing,
        { ok: true },
      ]);
      await put(key('entry'), 'value');
      expect(await step('require')).toEqual({ ok: true });
      expect(await step('take')).toEqual({ ok: true });
      expect(await textOf(key('entry'))).toBeUndefined();
      await put(key('entry'), 'value');
      expect(await step('delete')).toEqual({ ok: true });
      expect(await textOf(key('entry'))).toBeUndefined();
    });
  });

  describe('a commit', () => {
    it('does all of its steps or none, and names the step that refused', async () => {
      const key = partition();
      await put(key('kept'), 'before');
      const result = await commit(
        { do: 'put', key: key('kept'), value: 'after', ttlMs: 60_000 },
        { do: 'put', key: key('new'), value: 'new', ttlMs: 60_000 },
        { do: 'enlist', key: key('index'), member: 'm', expiresAt: store.clock.now() + 60_000 },
        { do: 'delete', key: key('kept') },
        { do: 'require', key: key('not there') },
        { do: 'put', key: key('late'), value: 'late', ttlMs: 60_000 },
      );
      expect(result).toEqual({ ok: false, reason: 'missing', step: 4 });
      expect(await textOf(key('kept'))).toBe('before');
      expect(await textOf(key('new'))).toBeUndefined();
      expect(await allMembers(store, key('index'))).toEqual([]);
    });

    it('is refused where it comes too late for its caller, and nothing happens', async () => {
      const key = partition();
      const late = { until: performance.now() - 10 };
      const spend: LiveStep = { do: 'consume', key: key('entry'), by: 'me' };
      await put(key('entry'), 'value');
      await expect(store.live.commit([spend], late)).rejects.toThrow(StoreUnavailable);
      expect(await readOne(key('entry'))).toEqual({ value: 'value', consumedBy: undefined });
      expect(await store.live.commit([spend], { until: performance.now() + 60_000 })).toEqual({ ok: true });
    });

    it('lets a step see what the steps before it did', async () => {
      const key = partition();
      const ttlMs = 60_000;
      const result = await commit(
        { do: 'add', key: key('a'), value: '1', ttlMs },
        { do: 'replace', key: key('a'), expect: '1', value: '2', ttlMs },
        { do: 'consume', key: key('a'), by: 'me' },
        { do: 'take', key: key('a') },
        { do: 'add', key: key('a'), value: '3', ttlMs },
        { do: 'put', key: key('b'), value: '1', ttlMs },
        { do: 'delete', key: key('b') },
      );
      expect(result).toEqual({ ok: true });
      expect(await readOne(key('a'))).toEqual({ value: '3', consumedBy: undefined });
      expect(await textOf(key('b'))).toBeUndefined();
      const twice = await commit({ do: 'take', key: key('a') }, { do: 'take', key: key('a') });
      expect(twice).toEqual({ ok: false, reason: 'missing', step: 1 });
      expect(await textOf(key('a'))).toBe('3');
    });

    it('with no steps has nothing to refuse', async () => expect(await commit()).toEqual({ ok: true }));

    it('refuses a second partition, a key without one, and a time to live that is none', async () => {
      const [one, other] = [partition(), partition()];
      await expect(
        commit({ do: 'require', key: one('a') }, { do: 'require', key: other('a') }),
      ).rejects.toThrow(/one partition/);
      await expect(store.live.read([one('a'), other('a')])).rejects.toThrow(/one partition/);
      await expect(commit({ do: 'delete', key: 'no partition' as LiveKey })).rejects.toThrow(/partition/);
      await expect(store.live.members('{}:a' as LiveKey)).rejects.toThrow(/partition/);
      for (const ttlMs of [0, -5, Number.NaN, Number.POSITIVE_INFINITY])
        await expect(put(one('a'), 'value', ttlMs)).rejects.toThrow(/time to live/);
      await expect(commit({ do: 'consume', key: one('a'), by: 'two\nlines' })).rejects.toThrow(/one line/);
    });
  });

  describe('time', () => {
    it('forgets an entry when its time is over, so that it can be added anew', async () => {
      const key = partition();
      await put(key('short'), 'value', short);
      await put(key('long'), 'value', 60_000);
      expect(await textOf(key('short'))).toBe('value');
      await store.pass(short + 50);
      expect(await textOf(key('short'))).toBeUndefined();
      expect(await textOf(key('long'))).toBe('value');
      expect(await commit({ do: 'take', key: key('short') })).toMatchObject({ reason: 'missing' });
      expect(await commit({ do: 'add', key: key('short'), value: 'new', ttlMs: 60_000 })).toEqual({
        ok: true,
      });
    });

    it('gives an entry the time of its newest write', async () => {
      const key = partition();
      await put(key('entry'), 'one', short);
      await commit({ do: 'replace', key: key('entry'), expect: 'one', value: 'two', ttlMs: 60_000 });
      await store.pass(short + 50);
      expect(await textOf(key('entry'))).toBe('two');
    });

    it('keeps the life of an entry that is spent, and only ever shortens it', async () => {
      const key = partition();
      for (const [name, ttlMs, keepMs] of [
        ['shortened', 60_000, short],
        ['not lengthened', short, 60_000],
        ['left', 60_000, undefined],
      ] as const) {
        await put(key(name), 'value', ttlMs);
        await commit({ do: 'consume', key: key(name), by: 'me', ...(keepMs ? { keepMs } : {}) });
      }
      await commit(
        { do: 'put', key: key('in one commit'), value: 'value', ttlMs: 60_000 },
        { do: 'consume', key: key('in one commit'), by: 'me', keepMs: short },
      );
      await store.pass(short + 50);
      expect(await textOf(key('shortened'))).toBeUndefined();
      expect(await textOf(key('not lengthened'))).toBeUndefined();
      expect(await textOf(key('in one commit'))).toBeUndefined();
      expect(await textOf(key('left'))).toBe('value');
    });
  });

  describe('indexes', () => {
    it('lists members, the soonest to expire first, each once', async () => {
      const key = partition();
      const now = store.clock.now();
      const enlist = (member: string, expiresAt: number) =>
        commit({ do: 'enlist', key: key('index'), member, expiresAt });
      await enlist('late', now + 30_000);
      await enlist('soon', now + 10_000);
      await enlist('moved', now + 5_000);
      await enlist('moved', now + 20_000);
      expect(await allMembers(store, key('index'))).toEqual([
        { member: 'soon', expiresAt: now + 10_000 },
        { member: 'moved', expiresAt: now + 20_000 },
        { member: 'late', expiresAt: now + 30_000 },
      ]);
      await commit({ do: 'strike', key: key('index'), member: 'soon' });
      await commit({ do: 'strike', key: key('index'), member: 'never there' });
      const members = await allMembers(store, key('index'));
      expect(members.map(({ member }) => member)).toEqual(['moved', 'late']);
    });

    it('forgets each member at its own time, and the index with the last', async () => {
      const key = partition();
      const now = store.clock.now();
      const enlist = (member: string, ms: number): LiveStep => ({
        do: 'enlist',
        key: key('index'),
        member,
        expiresAt: now + ms,
      });
      await commit(enlist('long', 60_000), enlist('short', short), enlist('past', -1));
      expect(await allMembers(store, key('index'))).toHaveLength(2);
      await store.pass(short + 50);
      expect(await allMembers(store, key('index'))).toEqual([{ member: 'long', expiresAt: now + 60_000 }]);
      await commit({ do: 'strike', key: key('index'), member: 'long' });
      expect(await allMembers(store, key('index'))).toEqual([]);
    });
  });

  it('answers a ping', async () => {
    await expect(store.live.ping()).resolves.toBeUndefined();
  });
});
