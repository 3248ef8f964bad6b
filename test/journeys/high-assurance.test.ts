import { generateKeyPairSync, sign } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { checkClientMetadata } from '../../clients/registry/metadata.ts';
import { changeClient } from '../../src/actions/change-client.ts';
import {
  claimsOf,
  headerOf,
  newKeys,
  openSigningApp,
  type SigningApp,
  seconds,
} from '../support/signing-app.ts';
import { send } from '../support/wire.ts';
import { openWorld, type TestAccount, type World } from '../support/world.ts';

/** The FAPI 2.0 Security Profile and Message Signing, rule by rule; section numbers are the profile's. */
let world: World;
let app: SigningApp;
let signing: SigningApp;
let account: TestAccount;
beforeAll(async () => {
  world = await openWorld();
  app = await openSigningApp(world, { high_assurance: true });
  signing = await openSigningApp(world, {
    high_assurance: true,
    require_signed_request_object: true,
    authorization_signed_response_alg: 'ES256',
    introspection_signed_response_alg: 'ES256',
  });
  account = await world.account();
});
afterAll(() => world.close());

const refusedBy = async (answer: Promise<{ status: number; json: Record<string, unknown> }>) => {
  const { status, json } = await answer;
  return [status, json['error']];
};

describe('an app of high assurance', () => {
  it.each([
    ['by a secret', { token_endpoint_auth_method: 'client_secret_basic' }],
    ['by nothing', { token_endpoint_auth_method: 'none' }],
    ['and has ID tokens signed by RS256', { id_token_signed_response_alg: 'RS256' }],
  ])('is not registered when it authenticates %s (5.3.2.1, 5.4.1)', (_, metadata) => {
    const jwks = { keys: [newKeys().publicKey.export({ format: 'jwk' })] };
    const asked = {
      redirect_uris: ['https://a.test/cb'],
      token_endpoint_auth_method: 'private_key_jwt',
      jwks,
    };
    const all = { ...asked, high_assurance: true };
    expect(checkClientMetadata(all)).toMatchObject({ ok: true });
    expect(checkClientMetadata({ ...all, ...metadata })).toMatchObject({ ok: false });
  });

  it('signs people in with pushed requests and bound tokens', async () => {
    const arrived = await app.visits(world.person(), account, await app.pushes());
    expect(arrived.searchParams.get('iss')).toBe(world.issuer);
    const tokens = await app.redeemsBound(arrived.searchParams.get('code') ?? '');
    expect(tokens.json).toMatchObject({ token_type: 'DPoP' });
    expect(headerOf(tokens.json['id_token'])['alg']).toBe('ES256');
  });

  it('is not shown a page for a request that was not pushed (5.3.2.2 no. 3)', async () => {
    const person = world.person();
    await person.goes(`${world.issuer}/authorize?${new URLSearchParams(app.params())}`);
    expect(person.left?.searchParams.get('error')).toBe('invalid_request');
  });

  it('is answered by 303, which no browser repeats a form for (5.3.2.2 no. 10)', async () => {
    const url = await app.pushes(app.params({ prompt: 'none' }));
    const { status, headers } = await send(url);
    expect([status, headers.location]).toEqual([303, expect.stringContaining('error=login_required')]);
  });

  it.each([
    ['without redirect_uri', { redirect_uri: undefined }],
    ['without PKCE', { code_challenge: undefined, code_challenge_method: undefined }],
    ['with PKCE in plain', { code_challenge_method: 'plain' }],
    ['for another response type', { response_type: 'code id_token' }],
  ])('may not push a request %s (5.3.2.2)', async (_, spoiled) => {
    const answer = await app.posts('/par', { ...app.assertion(), ...app.params(spoiled) });
    expect(answer.status).toBe(400);
  });

  it('may use a pushed request for a minute, which is less than ten (5.3.2.2 no. 12)', async () => {
    const answer = await app.posts('/par', { ...app.assertion(), ...app.params() });
    expect(answer.json['expires_in']).toBe(60);
  });

  it('gets no tokens without a proof, nor with one of another key than at first (5.3.2.1 no. 4)', async () => {
    expect(await refusedBy(app.redeems(await app.getsCode(account)))).toEqual([400, 'invalid_grant']);
    const bound = await app.getsCode(account, { ...app.params(), dpop_jkt: 'x'.repeat(43) });
    expect(await refusedBy(app.redeemsBound(bound))).toEqual([400, 'invalid_grant']);
  });

  it('needs a nonce of ours in its proofs, at the token endpoint and where it pushes (RFC 9449 section 8)', async () => {
    const code = await app.getsCode(account);
    const without = await app.redeems(code, {}, { dpop: app.proof('/token') });
    expect([without.status, without.json['error']]).toEqual([400, 'use_dpop_nonce']);
    expect(without.headers['dpop-nonce']).toEqual(expect.any(String));
    const pushed = await app.posts(
      '/par',
      { ...app.assertion(), ...app.params() },
      { dpop: app.proof('/par') },
    );
    expect(pushed.json['error']).toBe('use_dpop_nonce');
    expect((await app.redeemsBound(code)).status).toBe(200);
  });

  it.each([
    ['the token endpoint', () => `${world.issuer}/token`],
    ['a list with the issuer', () => [world.issuer]],
  ])('may not address its assertions to %s (5.3.2.1 no. 6)', async (_, aud) => {
    const form = { ...app.params(), ...app.assertion({ aud: aud() }) };
    expect(await refusedBy(app.posts('/par', form))).toEqual([401, 'invalid_client']);
  });

  it('may be ten seconds ahead of us and not sixty (5.3.2.1 no. 13)', async () => {
    const ahead = (by: number) => app.assertion({ iat: seconds() + by, nbf: seconds() + by });
    expect((await app.posts('/par', { ...app.params(), ...ahead(8) })).status).toBe(201);
    expect((await app.posts('/par', { ...app.params(), ...ahead(61) })).status).toBe(401);
  });

  it('keeps its refresh token (5.3.2.1 no. 9), for a year after the sign-in', async () => {
    const code = await app.getsCode(account, app.params({ scope: 'openid offline_access' }));
    const { json } = await app.redeemsBound(code);
    const refresh = () =>
      app.posts(
        '/token',
        { ...app.assertion(), grant_type: 'refresh_token', refresh_token: String(json['refresh_token']) },
        { dpop: app.proof('/token', { nonce: app.nonce }) },
      );
    for (const again of [1, 2]) {
      const { json: fresh } = await refresh();
      expect([again, fresh['refresh_token']]).toEqual([again, json['refresh_token']]);
    }
  });

  it('is one from when an operator says so until they say no more, and no other app is', async () => {
    const elliptic = { id_token_signed_response_alg: 'ES256' };
    const [one, other] = [await openSigningApp(world, elliptic), await openSigningApp(world)];
    const { clientId } = one;
    const isShown = async (app: SigningApp) => {
      const asked = new URLSearchParams(app.params());
      return (await world.person().goes(`${world.issuer}/authorize?${asked}`)).left === undefined;
    };
    const scope = 'openid offline_access';
    const before = (await one.redeems(await one.getsCode(account, one.params({ scope })))).json;
    expect([before['token_type'], await isShown(one)]).toEqual(['Bearer', true]);

    const switched = (high_assurance: boolean) =>
      changeClient(world.services, { clientId, changes: { high_assurance } });
    expect(await switched(true)).toMatchObject({ ok: true });
    expect([await isShown(one), await isShown(other)]).toEqual([false, true]);
    expect(await refusedBy(one.redeems(await one.getsCode(account)))).toEqual([400, 'invalid_grant']);
    // What it was given before it is bound by as well, when it comes again.
    const form = { grant_type: 'refresh_token', refresh_token: String(before['refresh_token']) };
    expect(await refusedBy(one.posts('/token', { ...form, ...one.assertion() }))).toEqual([
      400,
      'invalid_grant',
    ]);
    expect((await other.redeems(await other.getsCode(account))).json['token_type']).toBe('Bearer');

    expect(await switched(false)).toMatchObject({ ok: true });
    expect([await isShown(one), (await one.redeems(await one.getsCode(account))).status]).toEqual([
      true,
      200,
    ]);
  });

  it('uses codes within a minute (5.3.2.2 no. 9)', async () => {
    const code = await app.getsCode(account);
    world.advance(61_000);
    expect(await refusedBy(app.redeemsBound(code))).toEqual([400, 'invalid_grant']);
  });
});

describe('signatures of high assurance (5.4.1)', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  function rs256(header: object, claims: object): string {
    const text = `${part({ ...header, alg: 'RS256' })}.${part(claims)}`;
    return `${text}.${sign('sha256', Buffer.from(text), rsa.privateKey).toString('base64url')}`;
  }

  it('are none of RSA with PKCS #1 v1.5: no assertion, no request, no proof', async () => {
    const jwks = { keys: [rsa.publicKey.export({ format: 'jwk' })] };
    const [lax, strict] = [
      await openSigningApp(world, { jwks }),
      await openSigningApp(world, { jwks, high_assurance: true }),
    ];
    const assertion = (one: SigningApp) => ({
      ...one.assertion(),
      client_assertion: rs256({}, claimsOf(one.assertion()['client_assertion'])),
    });
    expect((await lax.posts('/par', { ...lax.params(), ...assertion(lax) })).status).toBe(201);
    expect((await strict.posts('/par', { ...strict.params(), ...assertion(strict) })).status).toBe(401);

    const object = rs256({}, { ...claimsOf(app.request()) });
    const both = await openSigningApp(world, {
      high_assurance: true,
      jwks: {
        keys: [
          { ...app.keys.publicKey.export({ format: 'jwk' }), kid: 'a' },
          { ...rsa.publicKey.export({ format: 'jwk' }), kid: 'b' },
        ],
      },
    });
    Object.assign(both, { keys: app.keys });
    const asked = rs256({}, { ...claimsOf(object), ...both.params(), iss: both.clientId });
    const answer = await both.posts('/par', { ...both.assertion(), request: asked });
    expect(answer.json).toMatchObject({ error: 'invalid_request_object' });

    const proof = rs256(
      { typ: 'dpop+jwt', jwk: rsa.publicKey.export({ format: 'jwk' }) },
      claimsOf(app.proof('/token', { nonce: app.nonce })),
    );
    expect((await app.redeems('none', {}, { dpop: proof })).json['error']).toBe('invalid_dpop_proof');
  });
});

describe('message signing', () => {
  it('goes both ways: a signed request, and a signed answer that names whom it is for', async () => {
    const url = await signing.pushes({ request: signing.request({ response_mode: 'jwt' }) });
    const arrived = await signing.visits(world.person(), account, url);
    expect([...arrived.searchParams.keys()]).toEqual(['response']);
    const keys = createRemoteJWKSet(new URL(`${world.issuer}/jwks`));
    const { payload } = await jwtVerify(String(arrived.searchParams.get('response')), keys, {
      issuer: world.issuer,
      audience: signing.clientId,
    });
    expect(payload).toMatchObject({ state: 'the-state', iss: world.issuer, code: expect.any(String) });
    const tokens = await signing.redeemsBound(String(payload['code']));
    const told = await signing.posts(
      '/introspect',
      { ...signing.assertion(), token: String(tokens.json['access_token']) },
      { accept: 'application/token-introspection+jwt' },
    );
    expect(told.headers['content-type']).toMatch(/^application\/token-introspection\+jwt/);
    const { payload: introspected, protectedHeader } = await jwtVerify(told.text, keys, {
      issuer: world.issuer,
      audience: signing.clientId,
    });
    expect(protectedHeader).toMatchObject({ alg: 'ES256', typ: 'token-introspection+jwt' });
    expect(introspected['token_introspection']).toMatchObject({ active: true, client_id: signing.clientId });
  });

  it('takes no request that is not signed, and sends no answer that is not', async () => {
    const plain = await signing.posts('/par', { ...signing.assertion(), ...signing.params() });
    expect(plain.json['error']).toBe('invalid_request');
    const query = { ...signing.assertion(), request: signing.request({ response_mode: 'query' }) };
    expect((await signing.posts('/par', query)).json['error']).toBe('invalid_request');
    const silent = { ...signing.assertion(), request: signing.request() };
    expect((await signing.posts('/par', silent)).json['error']).toBe('invalid_request');
  });

  it.each<[string, () => Record<string, unknown>]>([
    ['without exp', () => ({ exp: undefined })],
    ['without nbf', () => ({ nbf: undefined })],
    ['without aud', () => ({ aud: undefined })],
    ['good for more than an hour', () => ({ exp: seconds() + 3700 })],
    ['that was good an hour ago', () => ({ nbf: seconds() - 3700 })],
    ['for another server', () => ({ aud: 'https://other.test' })],
    ['of another app', () => ({ iss: 'somebody' })],
    ['that is not good yet', () => ({ nbf: seconds() + 61 })],
    ['that is over', () => ({ nbf: seconds() - 120, exp: seconds() - 60 })],
  ])('takes no request %s', async (_, spoiled) => {
    const request = signing.request({ response_mode: 'jwt', ...spoiled() });
    const answer = await signing.posts('/par', { ...signing.assertion(), request });
    expect([answer.status, answer.json['error']]).toEqual([400, 'invalid_request_object']);
  });

  it('publishes what it can', async () => {
    const { json } = await send(`${world.issuer}/.well-known/openid-configuration`);
    expect(json).toMatchObject({
      request_parameter_supported: true,
      request_uri_parameter_supported: false,
      response_modes_supported: expect.arrayContaining(['jwt', 'query.jwt', 'fragment.jwt', 'form_post.jwt']),
      authorization_signing_alg_values_supported: expect.arrayContaining(['ES256']),
      introspection_signing_alg_values_supported: expect.arrayContaining(['ES256']),
      dpop_signing_alg_values_supported: expect.arrayContaining(['ES256', 'PS256']),
    });
  });
});
