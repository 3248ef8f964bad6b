import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { lockAccount, suspendAccount } from '../../src/accounts/account.ts';
import { openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { send } from '../support/wire.ts';
import type { World } from '../support/world.ts';
import { worldKinds } from '../support/world-kinds.ts';

/** What holds by itself, also where another defence would have held before it. */
describe.each(worldKinds)('on $name', ({ open }) => {
  let world: World;
  let app: RelyingParty;
  beforeAll(async () => {
    world = await open();
    app = await openRelyingParty(world, { first_party: true });
  });
  afterAll(() => world.close());

  it('a sign-in that is done is gone on from once, however many tabs do it at the same moment', async () => {
    for (let round = 0; round < 5; round += 1) {
      const account = await world.account();
      const person = world.person();
      await person.goes(app.asks().url);
      const cookie = person.cookieHeader();
      const form = new URLSearchParams({ identifier: account.identifier, password: account.password });
      const headers = { cookie, 'sec-fetch-site': 'same-origin' };
      const done = await send(`${person.url}/password`, { body: form, headers });
      const resume = String(done.headers.location);
      expect(resume).toContain('/authorize/');
      const tabs = await Promise.all(
        Array.from({ length: 10 }, () => send(resume, { headers: { cookie, accept: 'text/html' } })),
      );
      const arrived = tabs.filter(({ headers: { location } }) => location?.startsWith(app.redirectUri));
      expect(arrived.length).toBeLessThanOrEqual(1);
      expect(tabs.filter(({ status }) => status >= 500)).toEqual([]);
    }
  });

  it.each([
    ['suspended', suspendAccount],
    ['locked', lockAccount],
  ])(
    'a %s account is nobody to the engine, even with its tokens and sessions still there',
    async (_, stop) => {
      const account = await world.account();
      const person = world.person();
      const tokens = await app.signsIn(person, account, { scope: 'openid offline_access' });
      expect((await app.userinfo(tokens.access_token)).status).toBe(200);
      // The rule alone, without the verb around it that also ends access.
      await stop(world.services, { accountId: account.accountId, reason: 'a test' });
      expect((await app.userinfo(tokens.access_token)).status).toBe(401);
      expect(await app.introspects(tokens.access_token)).toEqual({ active: false });
      expect((await app.refreshes(tokens.refresh_token)).json['error']).toBe('invalid_grant');
      await person.goes(app.asks().url);
      expect(person.heading).toBe('Sign in');
      await person.goes(`${world.issuer}/account`);
      expect(person.heading).toBe('Sign in');
    },
  );
});
