import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { hours } from '../../src/kit/durations.ts';
import { newId, newSecret } from '../../src/kit/secrets.ts';
import { writeAsked } from '../../src/oidc/cross-device/asked-form.ts';
import { settleLater } from '../../src/oidc/in-doubt.ts';
import { layout } from '../../src/oidc/live-layout.ts';
import { writeToken } from '../../src/oidc/record-forms.ts';
import { newSpent, readSpent, writeSpent } from '../../src/oidc/rotation.ts';
import { readSettings } from '../../src/settings.ts';
import { unspendLater } from '../../src/store/in-doubt.ts';
import type { LiveKey, LiveStep, LiveStore } from '../../src/store/live.ts';
import { openLog } from '../../src/web/log.ts';
import { liveKinds, openTestLive, type TestLive } from '../support/stores.ts';
import { until } from '../support/timing.ts';

/** What is put right after a commit that nobody knows the outcome of, twice, while somebody else comes between. */
describe.each(liveKinds)('on %s', (kind) => {
  let home: TestLive;
  beforeAll(async () => {
    home = await openTestLive(kind);
  });
  afterAll(() => home?.close());

  const settings = readSettings({ LOG_LEVEL: 'silent' });
  const log = openLog({ level: 'silent' });
  const ttlMs = 60_000;
  const usesUp = (key: LiveKey, by: string): LiveStep => ({ do: 'consume', key, by });

  /** A repair that has read is overtaken: by another repair, and then by somebody who uses what is good again. */
  function overtaken(key: LiveKey, value: string): { live: LiveStore; committed(): boolean } {
    const { live } = home;
    let committed = false;
    const commit: LiveStore['commit'] = async (steps) => {
      await live.commit([{ do: 'put', key, value, ttlMs }]);
      await live.commit([usesUp(key, 'somebody else')]);
      const answer = await live.commit(steps);
      committed = true;
      return answer;
    };
    return { live: { ...live, commit }, committed: () => committed };
  }

  const grantId = newId();
  const exp = Math.floor(Date.now() / 1000) + 60;
  const code = writeToken({ exp }, { letter: 'c', grantId, grant: {} });
  const asked = writeAsked({ kind: 'DeviceCode', clientId: 'app', secret: 'digest', exp });

  it.each<[string, LiveKey, string]>([
    ['a code', layout.underGrant('c', `${grantId}${newSecret()}`)?.key ?? '{}:', code],
    ['a device code', layout.asked(grantId), asked],
  ])('%s that somebody else used meanwhile stays used', async (_, key, value) => {
    await home.live.commit([
      { do: 'put', key: layout.grant(grantId), value: '', ttlMs },
      { do: 'put', key, value, ttlMs },
      usesUp(key, 'ours'),
    ]);
    const { live, committed } = overtaken(key, value);
    settleLater({ live, clock: home.clock, settings, log }, [usesUp(key, 'ours')]);
    await until(async () => committed());
    expect((await home.live.read([key]))[0]?.consumedBy).toBe('somebody else');
  });

  it('what lies alone and somebody else used meanwhile stays used', async () => {
    const key: LiveKey = `{${newId()}}:p`;
    await home.live.commit([{ do: 'put', key, value: 'pushed', ttlMs }, usesUp(key, 'ours')]);
    const { live, committed } = overtaken(key, 'pushed');
    unspendLater({ live, log }, { key, by: 'ours', ttlMs: () => ttlMs });
    await until(async () => committed());
    expect((await home.live.read([key]))[0]?.consumedBy).toBe('somebody else');
  });

  /** A refresh token was used, and nobody heard of it. Answers when it was, by what is written beside it once that is settled. */
  async function usedAt(meanwhile: (successor: LiveKey) => LiveStep[]): Promise<number | undefined> {
    const grantId = newId();
    const [key, successor]: [LiveKey, LiveKey] = [`{${grantId}}:r:one`, `{${grantId}}:r:next`];
    const by = writeSpent(newSpent({ at: home.clock.now(), end: 'some day' }));
    const steps: LiveStep[] = [usesUp(key, by), { do: 'put', key: successor, value: 'next', ttlMs }];
    const before: LiveStep[] = [layout.grant(grantId), key].map((one) => ({
      do: 'put',
      key: one,
      value: '',
      ttlMs,
    }));
    await home.live.commit([...before, ...steps, ...meanwhile(successor)]);
    let settled = false;
    const commit: LiveStore['commit'] = (some) => home.live.commit(some).finally(() => (settled = true));
    settleLater({ live: { ...home.live, commit }, clock: home.clock, settings, log }, steps);
    await until(() => settled);
    return readSpent((await home.live.read([key]))[0]?.consumedBy)?.at;
  }

  it('a refresh token may be repeated for an hour', async () => {
    expect(await usedAt(() => [])).toBe(home.clock.now() + 1 * hours);
  });

  it('a refresh token of which the successor was used by then may not', async () => {
    expect(await usedAt((successor) => [usesUp(successor, 'the app')])).toBe(home.clock.now());
  });
});
