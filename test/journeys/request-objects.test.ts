import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CompactEncrypt, importJWK, type JWK } from 'jose';
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
  it.each(['jwt', 'query.jwt', 'fragment.jwt'])('is given by %s', async (mode) => {
    const url = await app.pushes(app.params({ response_mode: mode }));
    const arrived = await app.visits(world.person(), account, url);
    const given = mode === 'fragment.jwt' ? new URLSearchParams(arrived.hash.slice(1)) : arrived.searchParams;
    expect(claimsOf(given.get('response'))).toMatchObject({
      iss: world.issuer,
      aud: app.clientId,
      state: 'the-state',
      code: expect.any(String),
      exp: expect.any(Number),
    });
    expect([...given.keys()]).toEqual(['response']);
  });

  it('is posted by form_post.jwt', async () => {
    const person = world.person();
    await app.visits(person, account, await app.pushes());
    await person.goes(await app.pushes(app.params({ response_mode: 'form_post.jwt' })));
    const sent = person.html.forms.flatMap(({ controls }) => controls);
    const response = sent.find(({ name }) => name === 'response')?.value;
    expect(claimsOf(response)).toMatchObject({ aud: app.clientId, code: expect.any(String) });
  });

  it('tells a refusal too', async () => {
    const person = world.person();
    await person.goes(await app.pushes(app.params({ response_mode: 'jwt', prompt: 'none' })));
    expect(claimsOf(person.left?.searchParams.get('response'))).toMatchObject({
      error: 'login_required',
      aud: app.clientId,
    });
  });
});
