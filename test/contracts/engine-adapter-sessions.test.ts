import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newSecret } from '../../src/kit/secrets.ts';
import { SessionRecords } from '../../src/oidc/session-records.ts';
import { liveKinds, openTestLive, type TestLive } from '../support/stores.ts';

/** What the engine's adapter does with a session that is written from outside a request of the engine. */
describe.each(liveKinds)('sessions of the engine on %s', (kind) => {
  let store: TestLive;
  beforeAll(async () => {
    store = await openTestLive(kind);
  });
  afterAll(() => store.close());

  const sessions = () => new SessionRecords({ ...store, db: undefined as never, log: undefined as never });

  it('refuses a write by who did not read the session, and does not lose it without a word', async () => {
    const uid = newSecret();
    const id = `${uid}.${newSecret()}`;
    const now = Math.floor(store.clock.now() / 1000);
    const payload = { kind: 'Session', uid, iat: now, exp: now + 3600, accountId: 'ada', loginTs: now };
    await sessions().upsert(id, payload, 3600);

    const other = sessions().upsert(id, { ...payload, accountId: 'grace' }, 3600);
    await expect(other).rejects.toThrow('a session is changed only by the request that read it');
    expect(await sessions().find(id)).toMatchObject({ uid, accountId: 'ada' });
  });
});
