import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '../../src/kit/secrets.ts';
import type { LiveKey, LiveStep } from '../../src/store/live.ts';
import { liveHomes } from '../support/live-homes.ts';
import type { TestLive } from '../support/stores.ts';

/** The steps of a commit that write nothing, and decide whether the others may. */
describe.each(liveHomes)('checks of the live state on $name', ({ open }) => {
  let store: TestLive;
  beforeAll(async () => {
    store = await open();
  });
  afterAll(() => store.close());

  const commit = (...steps: LiveStep[]) => store.live.commit(steps);
  const aKey = (): LiveKey => `{${newId()}}:entry`;
  const put = (key: LiveKey, value: string) => commit({ do: 'put', key, value, ttlMs: 60_000 });
  const spend = (key: LiveKey) => commit({ do: 'consume', key, by: 'somebody' });
  const ok = { ok: true };
  const refused = (reason: string) => ({ ok: false, reason, step: 0 });

  it('require what is there, spent or not, and unspent where that is asked', async () => {
    const key = aKey();
    const unspent = () => commit({ do: 'require', key, unspent: true });
    expect(await unspent()).toEqual(refused('missing'));
    await put(key, 'value');
    expect(await unspent()).toEqual(ok);
    await spend(key);
    expect(await unspent()).toEqual(refused('consumed'));
    expect(await commit({ do: 'require', key })).toEqual(ok);
  });

  it('require something unspent also of whoever spent it', async () => {
    const key = aKey();
    await put(key, 'value');
    const steps = [
      { do: 'consume', key, by: 'me' },
      { do: 'require', key, unspent: true },
    ] as const;
    expect(await commit(...steps)).toEqual({ ok: false, reason: 'consumed', step: 1 });
    expect((await store.live.read([key]))[0]).toEqual({ value: 'value', consumedBy: undefined });
  });

  it.each(['', '-', 'value', 'two\nlines', 'Ω🔑'])('expect the text %j to be there', async (value) => {
    const key = aKey();
    const expecting = (text: string | undefined) => commit({ do: 'expect', key, value: text });
    expect(await expecting(value)).toEqual(refused('changed'));
    expect(await expecting(undefined)).toEqual(ok);
    await put(key, value);
    expect(await expecting(value)).toEqual(ok);
    expect(await expecting(undefined)).toEqual(refused('changed'));
    expect(await expecting(`${value}x`)).toEqual(refused('changed'));
    await spend(key);
    expect(await expecting(value)).toEqual(ok);
  });

  it('keep what comes with them from happening', async () => {
    const key = aKey();
    const other = key.replace(':entry', ':other') as LiveKey;
    await commit({ do: 'put', key: other, value: 'new', ttlMs: 60_000 }, { do: 'expect', key, value: 'old' });
    expect(await store.live.read([other])).toEqual([undefined]);
  });
});
