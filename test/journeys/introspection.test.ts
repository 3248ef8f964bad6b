import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { disableClient } from '../../src/actions/disable-client.ts';
import { removeClient } from '../../src/actions/remove-client.ts';
import { suspendAccount } from '../../src/actions/suspend-account.ts';
import { anonymous, openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { send } from '../support/wire.ts';
import { openWorld, type TestAccount, type World } from '../support/world.ts';

let world: World;
let app: RelyingParty;
let account: TestAccount;
beforeAll(async () => {
  world = await openWorld();
  app = await openRelyingParty(world);
  account = await world.account();
});
afterAll(() => world.close());

const lasting = { scope: 'openid email offline_access' };
const tokensOf = (who = account, by = app) => by.signsIn(world.person(), who, lasting);

function resourceServerFor(named: string[] | '*'): Promise<RelyingParty> {
  return openRelyingParty(world, {
    redirect_uris: [],
    post_logout_redirect_uris: [],
    resource_server: named,
  });
}

describe('who may look at a token (misuse case IR-01)', () => {
  it('its own app and a resource server that was named for it; to anybody else it is not active', async () => {
    const { access_token, refresh_token } = await tokensOf();
    const [named, all, other] = [
      await resourceServerFor([app.clientId]),
      await resourceServerFor('*'),
      await resourceServerFor(['somebody-else']),
    ];
    const stranger = await openRelyingParty(world);
    for (const one of [app, named, all])
      expect(await one.introspects(access_token)).toMatchObject({
        active: true,
        client_id: app.clientId,
        sub: account.accountId,
        scope: 'openid email offline_access',
      });
    for (const one of [stranger, other])
      for (const token of [access_token, String(refresh_token)])
        expect(await one.introspects(token)).toEqual({ active: false });
  });

  it('gets no more than it needs: nothing of the person but who it is', async () => {
    const { access_token } = await tokensOf();
    const told = await (await resourceServerFor([app.clientId])).introspects(access_token);
    expect(JSON.stringify(told)).not.toContain(account.identifier);
    const known = ['active', 'aud', 'client_id', 'exp', 'iat', 'iss', 'scope', 'sub', 'token_type'];
    expect(Object.keys(told).filter((member) => !known.includes(member))).toEqual([]);
  });

  it('is not a public app, whoever’s token it is', async () => {
    const native = await openRelyingParty(world, { token_endpoint_auth_method: 'none' });
    const { access_token } = await tokensOf(account, native);
    const { json, status } = await native.posts('introspection', {
      token: access_token,
      client_id: native.clientId,
    });
    expect([status, json['active'] ?? false]).toEqual([status, false]);
    expect(json['sub']).toBeUndefined();
  });
});

describe('how a token is looked at (IR-03)', () => {
  it.each([
    ['nobody', anonymous, [400, 401]],
    ['somebody unknown', { authorization: `Basic ${Buffer.from('nobody:wrong').toString('base64')}` }, [401]],
    ['its own app with a wrong secret', 'wrong', [401]],
  ])('not by %s', async (_, given, statuses) => {
    const { access_token } = await tokensOf();
    const headers = given === 'wrong' ? app.basic('wrong') : (given as Record<string, string>);
    const { status, json } = await app.posts('introspection', { token: access_token }, headers);
    expect(statuses).toContain(status);
    expect(json['active']).toBeUndefined();
  });

  it('not by GET, and not with the token in the address', async () => {
    const { access_token } = await tokensOf();
    const address = `${app.endpoint('introspection')}?token=${access_token}`;
    expect((await send(address, { headers: app.basic() })).status).toBe(405);
    const posted = await send(address, { method: 'POST', body: new URLSearchParams(), headers: app.basic() });
    expect([posted.status, posted.json['error']]).toEqual([400, 'invalid_request']);
  });
});

describe('an answer as a JWT (RFC 9701)', () => {
  const accept = 'application/token-introspection+jwt';
  const signed = { introspection_signed_response_alg: 'ES256' };
  const looks = (one: RelyingParty, token: string, as = accept) =>
    one.posts('introspection', { token }, { ...one.basic(), accept: as });

  async function readBy(one: RelyingParty, token: string) {
    const { status, headers, text } = await looks(one, token);
    expect([status, headers['content-type']]).toEqual([200, expect.stringContaining(accept)]);
    const keys = createRemoteJWKSet(new URL(`${world.issuer}/jwks`));
    const expected = { issuer: world.issuer, audience: one.clientId, typ: 'token-introspection+jwt' };
    const { payload, protectedHeader } = await jwtVerify(text, keys, expected);
    expect(protectedHeader.alg).toBe('ES256');
    // Section 5: nothing of the token stands outside, where it could be taken for a claim about the asker.
    expect(Object.keys(payload).sort()).toEqual(['aud', 'iat', 'iss', 'token_introspection']);
    return payload['token_introspection'];
  }

  it('is signed for who asks, and says to others than who may know that the token is not active', async () => {
    const [named, stranger] = [
      await openRelyingParty(world, { ...signed, redirect_uris: [], resource_server: [app.clientId] }),
      await openRelyingParty(world, signed),
    ];
    const { access_token } = await tokensOf();
    expect(await readBy(named, access_token)).toMatchObject({ active: true, client_id: app.clientId });
    expect(await readBy(stranger, access_token)).toEqual({ active: false });
    expect(await readBy(named, 'unknown')).toEqual({ active: false });
  });

  it('is given where it is asked for by name', async () => {
    const named = await openRelyingParty(world, signed);
    for (const other of ['*/*', 'application/*', 'application/json', 'application/jwt']) {
      const { headers } = await looks(named, 'unknown', other);
      expect([other, headers['content-type']]).toEqual([other, expect.stringMatching(/^application\/json/)]);
    }
  });
});

describe('revocation (IR-05)', () => {
  it('of a refresh token ends all of its access; repeated, the answer is the same', async () => {
    const tokens = await tokensOf();
    for (let again = 0; again < 2; again += 1) {
      const { status } = await app.posts('revocation', { token: String(tokens.refresh_token) });
      expect(status).toBe(200);
    }
    expect((await app.userinfo(tokens.access_token)).status).toBe(401);
    expect((await app.refreshes(tokens.refresh_token)).json).toMatchObject({ error: 'invalid_grant' });
  });

  it('of an access token ends that one', async () => {
    const tokens = await tokensOf();
    expect((await app.posts('revocation', { token: tokens.access_token })).status).toBe(200);
    expect((await app.userinfo(tokens.access_token)).status).toBe(401);
    expect(await app.introspects(tokens.access_token)).toEqual({ active: false });
  });

  it('of somebody else’s token answers like that of an unknown one, and does nothing', async () => {
    const stranger = await openRelyingParty(world);
    const tokens = await tokensOf();
    const answers = [
      await stranger.posts('revocation', { token: String(tokens.refresh_token) }),
      await stranger.posts('revocation', { token: tokens.access_token }),
      await stranger.posts('revocation', { token: 'unknown' }),
    ];
    expect(answers.map(({ status, text }) => [status, text])).toEqual([
      [200, ''],
      [200, ''],
      [200, ''],
    ]);
    expect((await app.userinfo(tokens.access_token)).status).toBe(200);
    expect((await app.refreshes(tokens.refresh_token)).status).toBe(200);
  });

  it('is refused to whoever does not say who they are', async () => {
    const tokens = await tokensOf();
    const { status } = await app.posts('revocation', { token: tokens.access_token }, anonymous);
    expect([400, 401]).toContain(status);
    expect((await app.userinfo(tokens.access_token)).status).toBe(200);
  });
});

describe('the hint of what kind a token is (IR-07)', () => {
  it.each(['access_token', 'refresh_token', 'nonsense', ''])('does not mislead: "%s"', async (hint) => {
    const tokens = await tokensOf();
    for (const token of [tokens.access_token, String(tokens.refresh_token)]) {
      const told = await app.posts('introspection', { token, token_type_hint: hint });
      expect(told.json['active']).toBe(true);
    }
    const revoked = await app.posts('revocation', {
      token: String(tokens.refresh_token),
      token_type_hint: hint,
    });
    expect(revoked.status).toBe(200);
    expect((await app.userinfo(tokens.access_token)).status).toBe(401);
  });

  it.each(['introspection', 'revocation'] as const)('given twice is refused at %s', async (endpoint) => {
    const { access_token } = await tokensOf();
    const [token, hint] = [`token=${access_token}`, 'token_type_hint=access_token'];
    for (const twice of [`${token}&${token}`, `${token}&${hint}&${hint}`]) {
      const answer = await app.posts(endpoint, new URLSearchParams(twice));
      expect([answer.status, answer.json['error']]).toEqual([400, 'invalid_request']);
    }
    expect((await app.userinfo(access_token)).status).toBe(200);
  });
});

describe('a token whose person or app is gone', () => {
  it('is not active when the account is suspended (IR-09)', async () => {
    const who = await world.account();
    const tokens = await tokensOf(who);
    const server = await resourceServerFor('*');
    expect((await server.introspects(tokens.access_token))['active']).toBe(true);
    await suspendAccount(world.services, { accountId: who.accountId, reason: 'a test' });
    for (const token of [tokens.access_token, String(tokens.refresh_token)])
      expect(await server.introspects(token)).toEqual({ active: false });
    expect((await app.userinfo(tokens.access_token)).status).toBe(401);
    expect((await app.refreshes(tokens.refresh_token)).status).toBe(400);
  });

  it.each([
    ['disabled', disableClient],
    ['removed', removeClient],
  ])('is not active when the app is %s', async (_, stop) => {
    const gone = await openRelyingParty(world);
    const tokens = await tokensOf(account, gone);
    const server = await resourceServerFor('*');
    await stop(world.services, { clientId: gone.clientId, reason: 'a test' });
    const { status, json } = await server.posts('introspection', { token: tokens.access_token });
    expect([status, json]).toEqual([200, { active: false }]);
    expect((await gone.userinfo(tokens.access_token)).status).toBe(401);
  });
});
