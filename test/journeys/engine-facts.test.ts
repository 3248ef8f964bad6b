import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { changeClient } from '../../src/actions/change-client.ts';
import { removeClient } from '../../src/actions/remove-client.ts';
import { suspendAccount } from '../../src/actions/suspend-account.ts';
import { withdrawConsent } from '../../src/actions/withdraw-consent.ts';
import { endSessions } from '../../src/oidc/sessions.ts';
import { arrivalOf, openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import type { Answer } from '../support/wire.ts';
import type { TestAccount, World } from '../support/world.ts';
import { worldKinds } from '../support/world-kinds.ts';

/**
 * What the engine leaves to those that use it, by the number under which it was measured: none of it may be open here.
 * (Facts 10, 11, 13 and 15 to 17 are in token.test.ts, egress.test.ts, hardening/ and the faults.)
 */
const lasting = { scope: 'openid email offline_access', prompt: 'consent' };
const fine = (answers: Answer[]) => answers.filter(({ status }) => status === 200);
const times = <Result>(count: number, make: () => Promise<Result>) =>
  Promise.all(Array.from({ length: count }, make));

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

  it('fact 1: of fifty redemptions of one code at once, one gets tokens, and the alarm then ends them', async () => {
    const { code, attempt } = await app.getsCode(world.person(), account, lasting);
    const answers = await times(50, () => app.redeems(code, attempt));
    expect(fine(answers).length).toBeLessThanOrEqual(1);
    for (const { status } of answers) expect([200, 400]).toContain(status);
    for (const { json } of fine(answers))
      expect((await app.userinfo(String(json['access_token']))).status).toBe(401);
  });

  it('fact 2: of twenty refreshes with one token at once, one gets another, and the alarm then ends it', async () => {
    const { refresh_token } = await signsIn();
    const answers = await times(20, () => app.refreshes(refresh_token));
    expect(fine(answers).length).toBeLessThanOrEqual(1);
    for (const { json } of fine(answers))
      expect((await app.refreshes(String(json['refresh_token']))).status).toBe(400);
  });

  it('fact 3: what is to be used once is: a pushed request (proofs are in dpop.test.ts and token-abuse.test.ts)', async () => {
    const pushed = await app.posts('pushed_authorization_request', app.asks().url.searchParams);
    const query = new URLSearchParams({
      client_id: app.clientId,
      request_uri: String(pushed.json['request_uri']),
    });
    const people = await times(3, () => world.person().goes(`${world.issuer}/authorize?${query}`));
    for (const person of people) {
      if (person.heading === 'Sign in') await person.signsIn(account);
      if (!person.left && person.heading?.startsWith('Allow ')) await person.decides('allow');
    }
    expect(people.filter(({ left }) => left?.searchParams.has('code'))).toHaveLength(1);
  });

  it('fact 4: a session that is ended stays ended, whatever was under way', async () => {
    for (let round = 0; round < 3; round += 1) {
      const person = world.person();
      await app.signsIn(person, account);
      const cookie = person.cookieHeader(`${world.issuer}/authorize`);
      const silently = () => world.person();
      const visit = async () => {
        const other = silently();
        for (const pair of cookie.split('; ')) await other.cookies.setCookie(pair, world.issuer);
        await other.goes(app.asks({ prompt: 'none' }).url);
        return other;
      };
      const underWay = times(10, visit);
      await endSessions(world.services, { accountId: account.accountId });
      await underWay;
      expect(arrivalOf(await visit()).searchParams.get('error')).toBe('login_required');
    }
  });

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

  it('fact 12: a secret with something appended is another secret', async () => {
    const posting = { token_endpoint_auth_method: 'client_secret_post' };
    const poster = await openRelyingParty(world, posting);
    const introspect = (secret: string) =>
      poster.posts(
        'introspection',
        { token: 'x', client_id: poster.clientId, client_secret: secret },
        { authorization: undefined },
      );
    expect((await introspect(String(poster.clientSecret))).status).toBe(200);
    for (const more of ['\0', '\0\0\0', ' ', '\n'])
      expect([400, 401]).toContain((await introspect(`${poster.clientSecret}${more}`)).status);
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
