import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { listEvents } from '../../src/audit/list.ts';
import { minutes } from '../../src/kit/durations.ts';
import { layout } from '../../src/oidc/live-layout.ts';
import { readSpent } from '../../src/oidc/rotation.ts';
import { type FaultProxy, openFaultProxy } from '../support/fault-proxy.ts';
import { openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { startRedis, type TestServer } from '../support/servers.mjs';
import { untilWorks } from '../support/timing.ts';
import type { Answer } from '../support/wire.ts';
import { openWorld, type TestAccount, type World } from '../support/world.ts';

/**
 * Redis does what it is asked and its reply never arrives (misuse case ST-03, reliability F3, engine facts 17). An app that comes again is
 * honest, and must neither be an alarm nor lose what it had.
 */
const lasting = { scope: 'openid offline_access', prompt: 'consent' };

describe('while replies of Redis are lost', () => {
  let redis: TestServer;
  let proxy: FaultProxy;
  let world: World;
  let app: RelyingParty;
  let account: TestAccount;
  beforeAll(async () => {
    redis = await startRedis();
    proxy = await openFaultProxy(redis.url);
    world = await openWorld({
      REDIS_URL: proxy.url,
      SECRETS_KEY: randomBytes(32).toString('base64url'),
    });
    app = await openRelyingParty(world);
  });
  afterAll(async () => {
    await world?.close();
    await proxy?.close();
    await redis?.stop();
  });

  const begin = async () => {
    await answers();
    account = await world.account();
    return app.getsCode(world.person(), account, lasting);
  };
  const expectCalm = async () => {
    const events = await listEvents(world.services, { accountId: account.accountId, limit: 100 });
    expect(events.map(({ type }) => type).filter((type) => type.includes('reuse'))).toEqual([]);
  };
  const spentBy = async (letter: 'c' | 'r', text: string) => {
    const { key } = layout.underGrant(letter, text) ?? {};
    return key && (await world.services.live.read([key]))[0]?.consumedBy;
  };
  const answers = () => untilWorks(5000, () => world.services.live.ping());
  /** The commit that spends is done, and neither its reply nor that of any later one comes through. */
  async function losing(request: () => Promise<Answer>): Promise<Answer> {
    const before = proxy.cuts();
    proxy.cutReplyTo('consume', 'silence');
    const answer = await request();
    expect(proxy.cuts()).toBe(before + 1);
    proxy.silence(false);
    await answers();
    return answer;
  }

  it('one reply is made up for before the app hears of it', async () => {
    for (let round = 0; round < 5; round += 1) {
      const { code, attempt } = await begin();
      proxy.cutReplyTo('consume');
      const redeemed = await app.redeems(code, attempt);
      expect(redeemed.status).toBe(200);
      proxy.cutReplyTo('consume');
      const refreshed = await app.refreshes(String(redeemed.json['refresh_token']));
      expect(refreshed.status).toBe(200);
      expect(await app.introspects(String(refreshed.json['access_token']))).toMatchObject({ active: true });
      await expectCalm();
    }
    expect(proxy.cuts()).toBe(10);
  });

  it('a code that was answered with 503 is unused again, and what nobody was given is gone', async () => {
    const { code, attempt } = await begin();
    expect((await losing(() => app.redeems(code, attempt))).status).toBe(503);
    await untilWorks(5000, async () => expect(await spentBy('c', code)).toBeUndefined());
    const again = await app.redeems(code, attempt);
    expect(again.status).toBe(200);
    expect(await app.introspects(String(again.json['access_token']))).toMatchObject({ active: true });
    await expectCalm();
    // Used for good now.
    expect((await app.redeems(code, attempt)).json).toMatchObject({ error: 'invalid_grant' });
  });

  it('a refresh token that was answered with 503 gives its successor to the app that comes much later', async () => {
    const { code, attempt } = await begin();
    const tokens = (await app.redeems(code, attempt)).json;
    const token = String(tokens['refresh_token']);
    expect((await losing(() => app.refreshes(token))).status).toBe(503);
    const later = async () => (readSpent(await spentBy('r', token))?.at ?? 0) - Date.now();
    await untilWorks(5000, async () => expect(await later()).toBeGreaterThan(1 * minutes));
    world.advance(1 * minutes);
    const again = await app.refreshes(token);
    expect(again.status).toBe(200);
    expect((await app.refreshes(String(again.json['refresh_token']))).status).toBe(200);
    await expectCalm();
  });

  /** At the consent page. */
  const signingIn = async () => {
    account = await world.account();
    const person = await world.person().goes(app.asks({}).url);
    return person.submits({ identifier: account.identifier, password: account.password });
  };
  const steps = [
    ['the decision is written down', 'replace'],
    ['the interaction is used up', 'consume'],
    ['the code is kept', '}:c:'],
  ] as const;

  it.each(steps)('who signs in does not notice that nobody heard that %s', async (_, step) => {
    const person = await signingIn();
    const before = proxy.cuts();
    proxy.cutReplyTo(step);
    await person.decides('allow');
    expect(proxy.cuts()).toBe(before + 1);
    expect(person.left?.searchParams.has('code')).toBe(true);
  });

  it.each(steps.slice(1))(
    'who is told 503, for nobody heard twice that %s, goes on by trying again',
    async (_, step) => {
      const person = await signingIn();
      const before = proxy.cuts();
      proxy.cutReplyTo(step, 'silence');
      await person.decides('allow');
      expect([person.status, proxy.cuts()]).toEqual([503, before + 1]);
      proxy.silence(false);
      await answers();
      await untilWorks(5000, async () => {
        if (!person.left) await person.goes(person.url);
        expect(person.left?.searchParams.has('code')).toBe(true);
      });
    },
  );
});
