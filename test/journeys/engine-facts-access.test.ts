import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { changeClient } from '../../src/actions/change-client.ts';
import { removeClient } from '../../src/actions/remove-client.ts';
import { suspendAccount } from '../../src/actions/suspend-account.ts';
import { withdrawConsent } from '../../src/actions/withdraw-consent.ts';
import { days } from '../../src/kit/durations.ts';
import { listSessions } from '../../src/oidc/sessions.ts';
import { arrivalOf, openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import type { TestAccount, World } from '../support/world.ts';
import { worldKinds } from '../support/world-kinds.ts';

/** What the engine leaves to those that use it (engine-facts.test.ts): who may do what, and until when. */
const lasting = { scope: 'openid email offline_access', prompt: 'consent' };

describe.each(worldKinds)('on $name', ({ open }) => {
  let world: World;
  let app: RelyingParty;
  let account: TestAccount;
  beforeAll(async () => {
    world = await open();
    app = await openRelyingParty(world);
    account = await world.account();
  });
  afterAll(() => world?.close());

  const signsIn = (by = app, who = account) => by.signsIn(world.person(), who, lasting);

  it('fact 5: one app learns nothing of another’s tokens, and cannot end them', async () => {
    const stranger = await openRelyingParty(world);
    const { access_token } = await signsIn();
    expect(await stranger.introspects(access_token)).toEqual({ active: false });
    const [live, unknown] = [
      await stranger.posts('revocation', { token: access_token }),
      await stranger.posts('revocation', { token: 'unknown' }),
    ];
    expect([live.status, live.text]).toEqual([unknown.status, unknown.text]);
    expect((await app.userinfo(access_token)).status).toBe(200);
  });

  it('fact 6: tokens of a suspended account are not active', async () => {
    const who = await world.account();
    const { access_token } = await signsIn(app, who);
    await suspendAccount(world.services, { accountId: who.accountId, reason: 'a test' });
    expect(await app.introspects(access_token)).toEqual({ active: false });
  });

  it('fact 7: a token whose app is gone is not active, and no 500', async () => {
    const gone = await openRelyingParty(world);
    const server = await openRelyingParty(world, {
      redirect_uris: [],
      post_logout_redirect_uris: [],
      resource_server: '*',
    });
    const { access_token } = await signsIn(gone);
    await removeClient(world.services, { clientId: gone.clientId });
    const { status, json } = await server.posts('introspection', { token: access_token });
    expect([status, json]).toEqual([200, { active: false }]);
  });

  it('fact 8: removing an app ends its refresh tokens also when it may not use them any more', async () => {
    const changed = await openRelyingParty(world);
    const { refresh_token, access_token } = await signsIn(changed);
    const change = (types: string[]) =>
      changeClient(world.services, { clientId: changed.clientId, changes: { grant_types: types } });
    expect((await change(['authorization_code'])).ok).toBe(true);
    await withdrawConsent(world.services, { accountId: account.accountId, clientId: changed.clientId });
    expect((await change(['authorization_code', 'refresh_token'])).ok).toBe(true);
    expect((await changed.refreshes(refresh_token)).json).toMatchObject({ error: 'invalid_grant' });
    expect((await changed.userinfo(access_token)).status).toBe(401);
  });

  it('fact 9: PKCE is asked of every app, with a secret or without', async () => {
    for (const method of ['client_secret_basic', 'none']) {
      const one = await openRelyingParty(world, { token_endpoint_auth_method: method });
      const person = world.person();
      await person.goes(one.asks({ code_challenge: undefined, code_challenge_method: undefined }).url);
      expect(arrivalOf(person).searchParams.get('error')).toBe('invalid_request');
    }
  });

  it('fact 10: refresh tokens rotate at each use, of apps with a secret and without, early and late', async () => {
    for (const metadata of [{}, { token_endpoint_auth_method: 'none' }]) {
      const by = await openRelyingParty(world, metadata);
      const seen = new Set<unknown>();
      let { refresh_token: token } = await by.signsIn(world.person(), account, lasting);
      for (const later of [0, 1, 20 * days, 25 * days, 29 * days, 1]) {
        world.advance(later);
        seen.add(token);
        const { status, json } = await by.refreshes(token);
        expect(status).toBe(200);
        token = String(json['refresh_token']);
        expect(seen.has(token)).toBe(false);
      }
    }
  });

  it('fact 13: signing out waits for nobody: the session and its tokens are over before the answer', async () => {
    // An app that listens for sign-outs and never says a word.
    const silent = createServer(() => undefined).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    try {
      const listening = await openRelyingParty(world, {
        first_party: true,
        backchannel_logout_uri: `https://localhost:${port}/signed-out`,
      });
      const person = world.person();
      const who = await world.account();
      const { id_token, access_token } = await listening.signsIn(person, who);
      await person.goes(`${world.issuer}/logout?id_token_hint=${id_token}`);
      const begun = performance.now();
      await person.submits({ logout: 'yes' });
      // The engine would wait for 2.5 seconds.
      expect(performance.now() - begun).toBeLessThan(2400);
      expect(await listSessions(world.services, who.accountId)).toEqual([]);
      expect((await listening.userinfo(access_token)).status).toBe(401);
    } finally {
      silent.close();
    }
  });

  it('fact 14: signing out with the name of somebody else in the hint says whose session would end', async () => {
    const other = await world.account();
    const { id_token } = await signsIn(app, other);
    const person = world.person();
    await app.signsIn(person, account);
    await person.goes(`${world.issuer}/logout?id_token_hint=${id_token}`);
    expect(person.heading).toBe('Sign out?');
    expect(person.text).toContain(account.identifier);
    expect(person.text).toContain('another account');
    expect(person.text).not.toContain(other.identifier);
  });
});
