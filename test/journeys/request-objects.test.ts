import { createHmac, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CompactEncrypt, createRemoteJWKSet, importJWK, type JWK, jwtVerify } from 'jose';
import { claimsOf, newKeys, openSigningApp, type SigningApp, seconds } from '../support/signing-app.ts';
import { send } from '../support/wire.ts';
import { openWorld, type TestAccount, type World } from '../support/world.ts';

/** Authorization requests as signed and encrypted JWTs, by value (RFC 9101), and answers as such (JARM). */
let world: World;
let app: SigningApp;
let account: TestAccount;
beforeAll(async () => {
  world = await openWorld();
  app = await openSigningApp(world);
  account = await world.account();
});
afterAll(() => world.close());

const asks = (params: Record<string, string>) =>
  `${world.issuer}/authorize?${new URLSearchParams({ client_id: app.clientId, ...params })}`;

async function encrypted(jwt: string, header: { alg: string; enc?: string }): Promise<string> {
  const { json } = await send(`${world.issuer}/jwks`);
  const key = (json as { keys: JWK[] }).keys.find(({ use }) => use === 'enc') as JWK;
  const protectedHeader = { enc: 'A256GCM', kid: String(key.kid), ...header };
  return new CompactEncrypt(Buffer.from(jwt))
    .setProtectedHeader(protectedHeader)
    .encrypt(await importJWK(key, header.alg));
}

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('a signed request', () => {
  it('is what counts, and nothing beside it', async () => {
    const person = world.person();
    const url = asks({ request: app.request({ state: 'signed' }), state: 'beside', scope: 'email' });
    const arrived = await app.visits(person, account, url);
    expect(arrived.searchParams.get('state')).toBe('signed');
    const tokens = await app.redeems(arrived.searchParams.get('code') ?? '');
    expect(tokens.json['scope']).toBe('openid');
  });

  it.each(['ECDH-ES', 'ECDH-ES+A256KW'])('may be encrypted to our key by %s', async (alg) => {
    const request = await encrypted(app.request({ state: 'hidden' }), { alg });
    const arrived = await app.visits(world.person(), account, asks({ request }));
    expect(arrived.searchParams.get('state')).toBe('hidden');
    const pushed = await app.posts('/par', {
      ...app.assertion(),
      request: await encrypted(app.request(), { alg }),
    });
    expect(pushed.status).toBe(201);
  });

  const refusals: [string, () => string | Promise<string>][] = [
    ['without a signature', () => `${part({ alg: 'none' })}.${part(claimsOf(app.request()))}.`],
    ['of another key', () => app.request({}, { keys: newKeys() })],
    ['for another server', () => app.request({ aud: 'https://other.test' })],
    ['of another app', () => app.request({ iss: 'other' })],
    ['that is over', () => app.request({ exp: seconds() - 60 })],
    ['that is not good yet', () => app.request({ nbf: seconds() + 60 })],
    ['for our token endpoint', () => app.request({ aud: `${world.issuer}/token` })],
    ['for nobody', () => app.request({ aud: undefined })],
    ['of nobody', () => app.request({ iss: undefined })],
    ['that says that it is a proof', () => app.request({}, { header: { typ: 'dpop+jwt' } })],
    ['with an extension nobody knows', () => app.request({}, { header: { crit: ['x'], x: 1 } })],
    ['that names another app within', () => app.request({ client_id: 'other' })],
    ['with an address to fetch within', () => app.request({ request_uri: 'https://a.test/r' })],
    ['with another request within', () => app.request({ request: 'a.b.c' })],
    ['that is no JWT', () => 'a.b.c'],
    ['that hides plain JSON', () => encrypted(JSON.stringify(app.params()), { alg: 'ECDH-ES' })],
    [
      'encrypted by a password',
      () =>
        `${part({ alg: 'PBES2-HS256+A128KW', enc: 'A128GCM', p2c: 10_000_000, p2s: 'AAAA' })}.AAAA.AAAA.AAAA.AAAA`,
    ],
    [
      'that would grow when it is opened',
      async () => {
        const [, ...rest] = (await encrypted(app.request(), { alg: 'ECDH-ES' })).split('.');
        return [part({ alg: 'ECDH-ES', enc: 'A256GCM', zip: 'DEF' }), ...rest].join('.');
      },
    ],
    [
      'encrypted by RSA with PKCS #1 v1.5',
      () => `${part({ alg: 'RSA1_5', enc: 'A128GCM' })}.AAAA.AAAA.AAAA.AAAA`,
    ],
    [
      'signed by our public key as if it were a secret',
      async () => {
        const { text } = await send(`${world.issuer}/jwks`);
        const signed = `${part({ alg: 'HS256' })}.${part(claimsOf(app.request()))}`;
        return `${signed}.${createHmac('sha256', text).update(signed).digest('base64url')}`;
      },
    ],
  ];
  it.each(refusals)('is refused %s (AZ-17)', async (_, make) => {
    const request = await make();
    const pushed = await app.posts('/par', { ...app.assertion(), request });
    expect([pushed.status, pushed.json['error']]).toEqual([400, 'invalid_request_object']);
    const person = world.person();
    await person.goes(asks({ request }));
    expect(person.left?.searchParams.get('code') ?? null).toBeNull();
  });

  it.each([undefined, 'JWT', 'oauth-authz-req+jwt', 'application/OAuth-Authz-Req+JWT'])(
    'may say of itself what it is: %s',
    async (typ) => {
      const request = app.request({}, { header: { typ } });
      expect((await app.posts('/par', { ...app.assertion(), request })).status).toBe(201);
      expect((await world.person().goes(asks({ request }))).heading).toBe('Sign in');
    },
  );

  it('is not the word of the app itself for who saw it in an address bar (RFC 8725 section 3.11)', async () => {
    const request = app.request({ sub: app.clientId, jti: randomUUID() });
    const stolen = { ...app.assertion(), client_assertion: request };
    const { status, json } = await app.posts('/introspect', { ...stolen, token: 'x' });
    expect([status, json['error']]).toEqual([401, 'invalid_client']);
  });

  it('is fetched from nowhere (AZ-17)', async () => {
    let visits = 0;
    const canary = createServer((_, answer) => {
      visits += 1;
      answer.end(app.request());
    }).listen(0, '127.0.0.1');
    await once(canary, 'listening');
    const { port } = canary.address() as AddressInfo;
    for (const address of [`http://127.0.0.1:${port}/r`, `https://127.0.0.1:${port}/r`]) {
      const { status, json } = await app.posts('/par', {
        ...app.assertion(),
        ...app.params(),
        request_uri: address,
      });
      expect([status, json['error']]).toEqual([
        400,
        expect.stringMatching(/^request_uri_not_supported|invalid_request/),
      ]);
      const person = world.person();
      await person.goes(asks({ request_uri: address }));
      expect(person.left ?? null).toBeNull();
    }
    canary.close();
    expect(visits).toBe(0);
  });
});

describe('an answer as a JWT (JARM)', () => {
  /** What it says, when one of our keys signed it for this app (section 2.4). */
  async function readBy(app: SigningApp, answer: unknown) {
    const keys = createRemoteJWKSet(new URL(`${world.issuer}/jwks`));
    const expected = { issuer: world.issuer, audience: app.clientId, requiredClaims: ['exp'] };
    return (await jwtVerify(String(answer), keys, expected)).payload;
  }

  it.each(['jwt', 'query.jwt', 'fragment.jwt'])('is given by %s', async (mode) => {
    const url = await app.pushes(app.params({ response_mode: mode }));
    const arrived = await app.visits(world.person(), account, url);
    const given = mode === 'fragment.jwt' ? new URLSearchParams(arrived.hash.slice(1)) : arrived.searchParams;
    expect([...given.keys()]).toEqual(['response']);
    const said = await readBy(app, given.get('response'));
    expect(said).toMatchObject({ state: 'the-state', code: expect.any(String) });
    expect((await app.redeems(String(said['code']))).status).toBe(200);
  });

  it('is posted by form_post.jwt', async () => {
    const person = world.person();
    await app.visits(person, account, await app.pushes());
    await person.goes(await app.pushes(app.params({ response_mode: 'form_post.jwt' })));
    const sent = person.html.forms.flatMap(({ controls }) => controls);
    expect(sent.map(({ name }) => name).filter(Boolean)).toEqual(['response']);
    const response = sent.find(({ name }) => name === 'response')?.value;
    expect(await readBy(app, response)).toMatchObject({ code: expect.any(String) });
  });

  it('tells a refusal too', async () => {
    const person = world.person();
    await person.goes(await app.pushes(app.params({ response_mode: 'jwt', prompt: 'none' })));
    const said = await readBy(app, person.left?.searchParams.get('response'));
    expect(said).toMatchObject({ error: 'login_required', state: 'the-state' });
  });

  it('brings tokens in the fragment and never in the query (section 2.3.1)', async () => {
    const hybrid = await openSigningApp(world, {
      allow_implicit: true,
      grant_types: ['authorization_code', 'implicit'],
      response_types: ['code id_token'],
    });
    const asked = { response_type: 'code id_token', nonce: 'n-1' };
    const form = hybrid.params({ ...asked, response_mode: 'query.jwt' });
    const refused = await hybrid.posts('/par', { ...hybrid.assertion(), ...form });
    expect([refused.status, refused.json['error']]).toEqual([400, 'invalid_request']);
    const url = await hybrid.pushes(hybrid.params({ ...asked, response_mode: 'jwt' }));
    const arrived = await hybrid.visits(world.person(), account, url);
    const response = new URLSearchParams(arrived.hash.slice(1)).get('response');
    expect(await readBy(hybrid, response)).toMatchObject({
      code: expect.any(String),
      id_token: expect.any(String),
    });
  });

  it.each(['web_message', 'x.jwt', 'jwt jwt'])('is none that nobody knows: %s', async (response_mode) => {
    const { json } = await app.posts('/par', { ...app.assertion(), ...app.params({ response_mode }) });
    expect(json['error']).toBe('unsupported_response_mode');
  });
});
