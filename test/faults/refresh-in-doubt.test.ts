import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { layout } from '../../src/oidc/live-layout.ts';
import { type FaultProxy, openFaultProxy } from '../support/fault-proxy.ts';
import { openRelyingParty, type RelyingParty, type Tokens } from '../support/relying-party.ts';
import { startRedis, type TestServer } from '../support/servers.mjs';
import { untilWorks } from '../support/timing.ts';
import { openWorld, type TestAccount, type World } from '../support/world.ts';

/** Found by `npm run faults` (F4, F7): an app that was told 503 and came back half a minute later was taken for a thief. */
describe('a refresh that was answered with 503 and happened', () => {
  let redis: TestServer;
  let proxy: FaultProxy;
  let world: World;
  let app: RelyingParty;
  let ana: TestAccount;
  beforeAll(async () => {
    redis = await startRedis();
    proxy = await openFaultProxy(redis.url);
    world = await openWorld({ REDIS_URL: proxy.url });
    app = await openRelyingParty(world, { grant_types: ['authorization_code', 'refresh_token'] });
    ana = await world.account();
  });
  afterAll(async () => {
    await world.close();
    await proxy.close();
    await redis.stop();
  });

  async function offlineToken(): Promise<string> {
    const given = { scope: 'openid offline_access', prompt: 'consent' };
    const tokens: Tokens = await app.signsIn(world.person(), ana, given);
    return String(tokens.refresh_token);
  }

  async function refreshInDoubt(): Promise<string> {
    const token = await offlineToken();
    const key = layout.underGrant('r', token)?.key ?? '{}:';
    const cuts = proxy.cuts();
    // The reply to its repetition is lost as well, until the server gives up.
    proxy.cutReplyTo('consume', 'again');
    const answer = await app.refreshes(token);
    proxy.cutReplyTo('no such command');
    expect(proxy.cuts()).toBeGreaterThan(cuts);
    expect(answer.status).toBe(503);
    const { value: first } = await untilWorks(5000, () => world.services.live.read([key]));
    expect(first[0]?.consumedBy).toBeDefined();
    // Put right as soon as the store answers.
    await untilWorks(5000, async () =>
      expect((await world.services.live.read([key]))[0]?.consumedBy).not.toBe(first[0]?.consumedBy),
    );
    return token;
  }

  it('is done all the same when one reply was lost: the connection is made anew while the app waits', async () => {
    const cuts = proxy.cuts();
    for (let round = 0; round < 5; round += 1) {
      const token = await offlineToken();
      proxy.cutReplyTo('consume');
      expect((await app.refreshes(token)).status).toBe(200);
    }
    expect(proxy.cuts() - cuts).toBe(5);
  });

  it('may be repeated half an hour later, and is an alarm once its successor was used', async () => {
    const token = await refreshInDoubt();
    world.advance(30 * 60_000);
    const again = await app.refreshes(token);
    expect(again.status).toBe(200);
    expect((await app.refreshes(String(again.json['refresh_token']))).status).toBe(200);
    expect((await app.refreshes(token)).json).toMatchObject({ error: 'invalid_grant' });
  });

  it('is not good for ever', async () => {
    const token = await refreshInDoubt();
    world.advance(2 * 60 * 60_000);
    expect((await app.refreshes(token)).json).toMatchObject({ error: 'invalid_grant' });
  });
});
