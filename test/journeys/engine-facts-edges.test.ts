import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openEgress } from '../../src/oidc/egress.ts';
import { assertionOf, signJwt } from '../support/assertion.ts';
import { openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { send } from '../support/wire.ts';
import { openWorld, type TestAccount, type World } from '../support/world.ts';

/** What the engine leaves to those that use it (engine-facts.test.ts): what it fetches, and what it is sent. */
describe('what the engine fetches', () => {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = { ...keys.publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'ES256', use: 'sig' };
  let server: Server;
  let port: number;
  const asked: string[] = [];
  let sent = 0;
  beforeAll(async () => {
    server = createServer((request: IncomingMessage, answer) => {
      asked.push(String(request.url));
      if (request.url === '/elsewhere') return void answer.writeHead(302, { location: '/keys' }).end();
      if (request.url === '/keys') return void answer.end(JSON.stringify({ keys: [jwk] }));
      const [, said, size] = /^\/(said|unsaid)\/(\d+)$/.exec(String(request.url)) ?? [];
      if (size) {
        // With its length in the head, or in pieces that say nothing of it.
        if (said === 'unsaid') answer.write(' ');
        return void answer.end(
          JSON.stringify({ keys: [jwk] }).padStart(Number(size) - Number(said === 'unsaid')),
        );
      }
      // Keys with no end.
      const more = setInterval(() => {
        sent += 65_536;
        answer.write(' '.repeat(65_536));
      }, 1);
      answer.once('close', () => clearInterval(more));
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    port = (server.address() as AddressInfo).port;
  });
  afterAll(() => {
    server.close();
    server.closeAllConnections();
  });

  async function statusWithKeysAt(path: string, environment: Record<string, string>): Promise<number> {
    const world = await openWorld(environment);
    try {
      const app = await openRelyingParty(world, {
        grant_types: ['client_credentials'],
        redirect_uris: [],
        post_logout_redirect_uris: [],
        token_endpoint_auth_method: 'private_key_jwt',
        jwks_uri: `http://localhost:${port}${path}`,
      });
      const { clientId } = app;
      const proof = assertionOf({
        clientId,
        audience: world.issuer,
        privateKey: keys.privateKey,
        header: { alg: 'ES256', kid: 'one' },
      });
      return (
        await app.posts('token', { grant_type: 'client_credentials', ...proof }, { authorization: undefined })
      ).status;
    } finally {
      await world.close();
    }
  }
  const allowed = { ALLOW_LOOPBACK_FETCH: 'on' };

  it('fact 11: keys of an app are fetched where that is allowed', async () => {
    expect(await statusWithKeysAt('/keys', allowed)).toBe(200);
    expect(asked).toEqual(['/keys']);
  });

  it.each(['said', 'unsaid'])('fact 11: keys have at most 64 KiB, their length %s', async (how) => {
    expect(await statusWithKeysAt(`/${how}/65536`, allowed)).toBe(200);
    expect(await statusWithKeysAt(`/${how}/65537`, allowed)).toBe(401);
  });

  it('fact 11: keys without an end are not read to theirs', async () => {
    sent = 0;
    expect(await statusWithKeysAt('/endless', allowed)).toBe(401);
    expect(sent).toBeLessThan(40 * 65_536);
  });

  it('fact 11: a redirect is not followed', async () => {
    asked.length = 0;
    expect(await statusWithKeysAt('/elsewhere', allowed)).toBe(401);
    expect(asked).not.toContain('/keys');
  });

  it('fact 11: nor on the public internet, and the guard of the engine goes along', async () => {
    asked.length = 0;
    const guard = {};
    const guards: unknown[] = [];
    const real = globalThis.fetch;
    // The internet of this test is its server; what is asked for is asked for as it was.
    globalThis.fetch = (address, options) => {
      const { dispatcher, ...rest } = options as { dispatcher?: object };
      guards.push(dispatcher);
      return real(`http://127.0.0.1:${port}${new URL(String(address)).pathname}`, rest);
    };
    try {
      const get = openEgress({ settings: { ALLOW_LOOPBACK_FETCH: false } });
      expect((await get('https://keys.example/keys', { dispatcher: guard })).status).toBe(200);
      for (const more of [{}, { redirect: 'follow' as const }])
        await expect(get('https://keys.example/elsewhere', { dispatcher: guard, ...more })).rejects.toThrow();
    } finally {
      globalThis.fetch = real;
    }
    expect(asked).toEqual(['/keys', '/elsewhere', '/elsewhere']);
    for (const one of guards) expect(one).toBe(guard);
  });

  it('fact 11: an address of our own network is not asked at all', async () => {
    asked.length = 0;
    expect(await statusWithKeysAt('/keys', {})).toBe(401);
    expect(asked).toEqual([]);
  });
});

describe('what the engine is sent', () => {
  let world: World;
  let app: RelyingParty;
  let account: TestAccount;
  beforeAll(async () => {
    world = await openWorld();
    app = await openRelyingParty(world);
    account = await world.account();
  });
  afterAll(() => world.close());

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

  it('fact 15: a code lives for a minute, and not for that of clocks that differ', async () => {
    const late = await app.getsCode(world.person(), account);
    world.advance(61_000);
    expect((await app.redeems(late.code, late.attempt)).json).toMatchObject({ error: 'invalid_grant' });
  });

  it('fact 15: cookies have the __Host- prefix where the issuer is https', async () => {
    const secure = await openWorld({
      ISSUER: 'https://login.example.test',
      SMTP_URL: 'smtp://127.0.0.1:9',
      COOKIE_KEYS: 'k'.repeat(43),
    });
    try {
      const person = secure.person();
      await person.goes('https://login.example.test/account');
      await person.signsIn(await secure.account());
      expect(person.setCookies.length).toBeGreaterThan(3);
      for (const line of person.setCookies) expect(line).toMatch(/^__Host-[^;]*;(.*; ?)?secure/i);
    } finally {
      await secure.close();
    }
  });

  it('fact 15: forms have an end', async () => {
    const body = `grant_type=refresh_token&refresh_token=${'a'.repeat(200_000)}`;
    const type = { 'content-type': 'application/x-www-form-urlencoded' };
    const large = await app.posts('token', body, type);
    expect(large.status).toBeGreaterThanOrEqual(400);
    expect(large.status).toBeLessThan(500);
  });

  it('fact 16: the engine is one that parses strictly', () => {
    const manifest = createRequire(import.meta.url).resolve('oidc-provider/package.json');
    const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
    const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
    expect(major * 1e6 + minor * 1e3 + patch).toBeGreaterThanOrEqual(9_011_004);
  });

  it('fact 16: Basic is decoded strictly', async () => {
    const { authorization } = app.basic() as { authorization: string };
    const right = (value: string) => app.posts('introspection', { token: 'x' }, { authorization: value });
    expect((await right(authorization)).status).toBe(200);
    const [, encoded = ''] = authorization.split(' ');
    const padded = encoded.replace(/=*$/, '');
    const spellings = [
      `Basic ${padded}!!`,
      `Basic ${padded.slice(0, 8)} ${padded.slice(8)}`,
      `Basic ${padded}%3D`,
    ];
    for (const spelling of spellings) expect([400, 401]).toContain((await right(spelling)).status);
  });

  it('fact 16: a page without an origin gets no answer that it may read', async () => {
    const { access_token } = await app.signsIn(world.person(), account, { scope: 'openid' });
    for (const origin of ['null', 'https://evil.test']) {
      const headers = { origin, authorization: `Bearer ${access_token}` };
      const { headers: answered } = await send(app.endpoint('userinfo'), { headers });
      expect(answered['access-control-allow-origin']).toBeUndefined();
    }
  });

  it.each([
    ['a number', 5],
    ['a list', ['https://a.test']],
    ['nothing', null],
    ['an object', {}],
  ])('fact 16: a DPoP proof for %s in the place of an address is refused', async (_, htu) => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const claims = { jti: String(Math.random()), iat: Math.floor(Date.now() / 1000), htm: 'POST', htu };
    const header = { typ: 'dpop+jwt', alg: 'ES256', jwk: publicKey.export({ format: 'jwk' }) };
    const { code, attempt } = await app.getsCode(world.person(), account);
    const form = { grant_type: 'authorization_code', code, redirect_uri: app.redirectUri };
    const dpop = signJwt(header, claims, privateKey);
    const answer = await app.posts('token', { ...form, code_verifier: attempt.verifier }, { dpop });
    expect([answer.status, answer.json['error']]).toEqual([400, 'invalid_dpop_proof']);
  });

  it.each(['null', '5', '"text"', '[]', 'true'])('fact 16: %s is no body', async (body) => {
    const type = { 'content-type': 'application/json' };
    for (const endpoint of [
      'token',
      'introspection',
      'revocation',
      'pushed_authorization_request',
    ] as const) {
      const { status } = await app.posts(endpoint, body, type);
      expect([endpoint, status >= 400 && status < 500]).toEqual([endpoint, true]);
    }
  });
});
