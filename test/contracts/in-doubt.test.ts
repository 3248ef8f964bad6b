import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId, newSecret } from '../../src/kit/secrets.ts';
import { writeAsked } from '../../src/oidc/cross-device/asked-form.ts';
import { settleLater } from '../../src/oidc/in-doubt.ts';
import { layout } from '../../src/oidc/live-layout.ts';
import { writeToken } from '../../src/oidc/record-forms.ts';
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
});
