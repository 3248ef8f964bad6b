import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openSigningApp, type SigningApp, seconds } from '../support/signing-app.ts';
import { grantType } from '../support/tills.ts';
import { openWorld, type TestAccount, type World } from '../support/world.ts';

/**
 * What the engine leaves to those that use it (engine-facts.test.ts), fact 15: whose clock is how far from ours. What an app signed may be
 * ten seconds early or late, to the very second; our own clock stands still meanwhile.
 */
const bank = {
  grant_types: ['authorization_code', 'client_credentials', grantType],
  backchannel_token_delivery_mode: 'poll',
  backchannel_authentication_request_signing_alg: 'ES256',
};

describe('fact 15: clocks may differ by seconds only', () => {
  let world: World;
  let app: SigningApp;
  let account: TestAccount;
  beforeAll(async () => {
    world = await openWorld();
    app = await openSigningApp(world, bank);
    account = await world.account();
  });
  afterAll(() => world.close());

  const token = (form: Record<string, string>, headers = {}) =>
    app.posts('/token', { grant_type: 'client_credentials', ...form }, headers);

  /** Everything that an app signs and that has a time in it: whether it is taken with these claims. */
  const kinds: Record<string, (times: object) => Promise<boolean>> = {
    async 'a client assertion'(times) {
      return (await token(app.assertion(times))).status === 200;
    },
    async 'a request object'(times) {
      const query = new URLSearchParams({ client_id: app.clientId, request: app.request({ ...times }) });
      return (await world.person().goes(`${world.issuer}/authorize?${query}`)).heading === 'Sign in';
    },
    async 'a pushed request object'(times) {
      const request = app.request({ ...times });
      return (await app.posts('/par', { ...app.assertion(), request })).status === 201;
    },
    async 'a request object that names a person'(times) {
      const inBrowser = { response_type: undefined, redirect_uri: undefined, state: undefined };
      const pkce = { code_challenge: undefined, code_challenge_method: undefined };
      const named = { login_hint: account.identifier, jti: randomUUID() };
      const request = app.request({ ...inBrowser, ...pkce, ...named, ...times });
      return (await app.posts('/backchannel', { ...app.assertion(), request })).status === 200;
    },
  };

  describe.each(Object.entries(kinds))('%s', (_kind, isTaken) => {
    it.each([
      ['is taken when it begins in ten seconds', true, { nbf: 10 }],
      ['is refused when it begins in eleven', false, { nbf: 11 }],
      ['is taken when it was over nine seconds ago', true, { exp: -9 }],
      ['is refused when it was ten', false, { exp: -10 }],
      ['is refused when it was an hour', false, { exp: -3600 }],
    ])('%s', async (_what, taken, offsets) => {
      await world.still(async () => {
        const now = seconds();
        const times = Object.entries(offsets).map(([name, offset]) => [name, now + offset]);
        expect(await isTaken(Object.fromEntries(times))).toBe(taken);
      });
    });
  });

  it.each([
    [-300, 200],
    [300, 200],
    [-301, 400],
    [301, 400],
  ])('a DPoP proof of %s seconds from now is answered %s: five minutes either way', async (apart, status) => {
    await world.still(async () => {
      const dpop = app.proof('/token', { iat: seconds() + apart });
      expect((await token(app.assertion(), { dpop })).status).toBe(status);
    });
  });
});
