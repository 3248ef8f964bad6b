import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '../../src/kit/secrets.ts';
import type { LiveKey, LiveStep } from '../../src/store/live.ts';
import { liveHomes } from '../support/live-homes.ts';
import type { TestLive } from '../support/stores.ts';

/** What every home of the live state promises when many ask at once. Each test has a partition of its own. */
describe.each(liveHomes)('races for the live state on $name', ({ open }) => {
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

  /** How many of `width` parallel commits go through, in each of many rounds. */
  async function winners(
    rounds: number,
    width: number,
    prepare: (key: (rest: string) => LiveKey) => Promise<unknown>,
    steps: (key: (rest: string) => LiveKey, racer: number) => LiveStep[],
  ): Promise<number[]> {
    const won: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const key = partition();
      await prepare(key);
      const results = await Promise.all(
        Array.from({ length: width }, (_, racer) => store.live.commit(steps(key, racer))),
      );
      won.push(results.filter(({ ok }) => ok).length);
    }
    return [...new Set(won)];
  }
  const ttlMs = 60_000;

  it('lets exactly one of many spend an entry, in 100 rounds', async () => {
    const won = await winners(
      100,
      25,
      (key) => put(key('code'), 'value'),
      (key, racer) => [
        { do: 'consume', key: key('code'), by: `racer ${racer}` },
        { do: 'put', key: key(`token ${racer}`), value: 'token', ttlMs },
      ],
    );
    expect(won).toEqual([1]);
  });

  it('lets exactly one of many add, take, or replace what all of them read', async () => {
    const nothing = () => Promise.resolve();
    const prepared = (key: (rest: string) => LiveKey) => put(key('entry'), 'read by all');
    const won = await Promise.all([
      winners(20, 50, nothing, (key) => [{ do: 'add', key: key('entry'), value: 'mine', ttlMs }]),
      winners(20, 50, prepared, (key) => [{ do: 'take', key: key('entry') }]),
      winners(20, 50, prepared, (key, racer) => [
        { do: 'replace', key: key('entry'), expect: 'read by all', value: `${racer}`, ttlMs },
      ]),
    ]);
    expect(won).toEqual([[1], [1], [1]]);
  });

  it('never lets a write slip in behind the removal of what it requires', async () => {
    for (let round = 0; round < 50; round += 1) {
      const key = partition();
      await put(key('grant'), 'grant');
      const [ended, ...saved] = await Promise.all([
        commit({ do: 'take', key: key('grant') }),
        ...Array.from({ length: 10 }, (_, n) =>
          commit(
            { do: 'require', key: key('grant') },
            { do: 'put', key: key(`token ${n}`), value: 'token', ttlMs },
          ),
        ),
      ]);
      expect(ended).toEqual({ ok: true });
      const written = await store.live.read(saved.map((_, n) => key(`token ${n}`)));
      expect(written.map(Boolean)).toEqual(saved.map(({ ok }) => ok));
    }
  });
});
