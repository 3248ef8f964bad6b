import {
  createHmac,
  createPublicKey,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
  randomBytes,
  randomUUID,
} from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newSecret } from '../../src/kit/secrets.ts';
import { assertionOf, signJwt } from '../support/assertion.ts';
import { anonymous, openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { newAddress, send } from '../support/wire.ts';
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

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const lasting = { scope: 'openid email offline_access' };

describe('grant types (misuse case TK-19)', () => {
  it.each([
    ['password', 'grant_type=password&username=a&password=b'],
    ['implicit', 'grant_type=implicit'],
    ['missing', 'code=x'],
    ['empty', 'grant_type='],
    ['twice', 'grant_type=authorization_code&grant_type=authorization_code&code=x'],
    ['with a space', 'grant_type=authorization_code%20&code=x'],
    ['token exchange', 'grant_type=urn:ietf:params:oauth:grant-type:token-exchange'],
    ['4 kB', `grant_type=${'a'.repeat(4096)}`],
    ['__proto__', 'grant_type=__proto__'],
  ])('%s is refused', async (_, body) => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const { status, json, headers: told } = await app.posts('token', body, headers);
    expect(status).toBe(400);
    expect(json['error']).toMatch(/unsupported_grant_type|invalid_request/);
    expect(told['cache-control']).toContain('no-store');
  });

  it.each([
    ['JSON', 'application/json', JSON.stringify({ grant_type: 'authorization_code' })],
    ['multipart', 'multipart/form-data; boundary=x', '--x\r\n\r\n--x--'],
    ['bytes that are no text', 'application/x-www-form-urlencoded', '%ff%fe=1'],
    ['200 kB', 'application/x-www-form-urlencoded', `grant_type=${'a'.repeat(200_000)}`],
  ])('a body of %s is refused', async (_, type, body) => {
    const { status, json } = await app.posts('token', body, { 'content-type': type });
    expect([400, 413, 415]).toContain(status);
    expect(json['error']).toBeDefined();
  });

  it('parameters in the address do not count, and GET is another thing', async () => {
    const address = `${app.endpoint('token')}?grant_type=authorization_code&code=x`;
    const posted = await send(address, { method: 'POST', body: new URLSearchParams(), headers: app.basic() });
    expect([posted.status, posted.json['error']]).toEqual([400, 'invalid_request']);
    const got = await send(address, { headers: app.basic() });
    expect([got.status, got.headers['allow']]).toEqual([405, expect.stringContaining('POST')]);
  });
});

/** The last letter that has another case, in that. */
function flipOne(token: string): string {
  const at = token.search(/[a-zA-Z][^a-zA-Z]*$/);
  const letter = token[at] ?? '';
  const other = letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase();
  return `${token.slice(0, at)}${other}${token.slice(at + 1)}`;
}

describe('tokens that were tampered with (TK-21)', () => {
  const mutations: [string, (token: string) => string][] = [
    ['last letter cut', (token) => token.slice(0, -1)],
    ['first letter cut', (token) => token.slice(1)],
    ['a letter in the other case', flipOne],
    ['an equals sign behind', (token) => `${token}=`],
    ['a space behind', (token) => `${token} `],
    ['a NUL behind', (token) => `${token}\0`],
    ['twice in a row', (token) => `${token}${token}`],
    ['percent-encoded', (token) => `%${token.charCodeAt(0).toString(16)}${token.slice(1)}`],
    ['a dot in it', (token) => `${token.slice(0, 22)}.${token.slice(22)}`],
    ['a brace in it', (token) => `{${token}}`],
    ['nothing', () => ''],
  ];

  it('are nobody’s: not at UserInfo, not at introspection, not for a refresh', async () => {
    const { access_token, refresh_token } = await app.signsIn(world.person(), account, lasting);
    for (const [what, mutate] of mutations) {
      const header = mutate(access_token);
      // What cannot stand in a header cannot be sent there either.
      if (!/[\0 ]/.test(header) && header !== '')
        expect([what, (await app.userinfo(header)).status]).toEqual([what, 401]);
      const introspected = await app.introspects(header);
      expect([what, introspected['active'] ?? false]).toEqual([what, false]);
      expect([what, (await app.refreshes(mutate(String(refresh_token)))).status]).toEqual([what, 400]);
    }
    expect((await app.userinfo(access_token)).status).toBe(200);
    expect((await app.refreshes(refresh_token)).status).toBe(200);
  });

  it('are not found by guessing, and guessing is slowed down', async () => {
    const guesser = { 'x-forwarded-for': newAddress(), ...app.basic() };
    const guess = () => ({
      grant_type: 'refresh_token',
      refresh_token: `${newSecret()}${randomBytes(16).toString('base64url')}`,
    });
    const statuses: number[] = [];
    for (let batch = 0; batch < 11; batch += 1) {
      const answers = Array.from({ length: 10 }, () => app.posts('token', guess(), guesser));
      statuses.push(...(await Promise.all(answers)).map(({ status }) => status));
    }
    expect(new Set(statuses)).toEqual(new Set([400, 429]));
    expect((await app.posts('token', guess(), { 'x-forwarded-for': newAddress() })).status).toBe(400);
  });
});

describe('assertions of an app that signs (TK-15)', () => {
  let signer: RelyingParty;
  let privateKey: KeyObject;
  beforeAll(async () => {
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    privateKey = pair.privateKey;
    signer = await openRelyingParty(world, {
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [{ ...pair.publicKey.export({ format: 'jwk' }), kid: 'one', use: 'sig', alg: 'ES256' }] },
    });
  });

  const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const now = () => Math.floor(Date.now() / 1000);

  it.each<[string, { header?: object; claims?: object; key?: KeyObject }]>([
    ['no signature', { header: { alg: 'none' } }],
    ['a symmetric algorithm', { header: { alg: 'HS256' } }],
    ['another key', { key: stranger.privateKey }],
    [
      'a key it brings along',
      {
        header: { alg: 'ES256', jwk: stranger.publicKey.export({ format: 'jwk' }) },
        key: stranger.privateKey,
      },
    ],
    ['an unknown key id', { header: { alg: 'ES256', kid: 'two' }, key: stranger.privateKey }],
    ['another issuer', { claims: { iss: 'somebody' } }],
    ['another subject', { claims: { sub: 'somebody' } }],
    ['another audience', { claims: { aud: 'https://other.example.test' } }],
    ['no expiry', { claims: { exp: undefined } }],
    ['an expiry in ten years', { claims: { exp: Math.floor(Date.now() / 1000) + 315_360_000 } }],
    ['an expiry gone by', { claims: { exp: 1_000_000_000 } }],
    ['a beginning to come', { claims: { nbf: 9_000_000_000 } }],
    ['no id', { claims: { jti: undefined } }],
    ['the type of a request', { header: { alg: 'ES256', typ: 'oauth-authz-req+jwt' } }],
    ['the type of a token', { header: { alg: 'ES256', typ: 'at+jwt' } }],
    ['an extension nobody knows', { header: { alg: 'ES256', crit: ['x'], x: 1 } }],
  ])('are refused with %s', async (_, { header, claims, key }) => {
    const made = { clientId: signer.clientId, audience: world.issuer, privateKey: key ?? privateKey };
    const proof = assertionOf({ ...made, ...(header ? { header } : {}), ...(claims ? { claims } : {}) });
    const { json, status } = await signer.posts('introspection', { token: 'x', ...proof }, anonymous);
    expect([400, 401]).toContain(status);
    expect(json['error']).toMatch(/invalid_client|invalid_request/);
  });

  it.each<[string, (made: string, jwk: JsonWebKey) => string]>([
    [
      'our key of the app as if it were a secret',
      (made, jwk) => {
        const signed = `${part({ alg: 'HS256', kid: 'one' })}.${made.split('.')[1]}`;
        return `${signed}.${createHmac('sha256', JSON.stringify(jwk)).update(signed).digest('base64url')}`;
      },
    ],
    ['three parts that are not one word', (made) => made.replaceAll('.', ' . ')],
    [
      'another one in it',
      (made) => `${part({ alg: 'ES256', cty: 'JWT' })}.${part(made)}.${made.split('.')[2]}`,
    ],
    [
      'a body that is not encoded',
      (made) => `${part({ alg: 'ES256', b64: false, crit: ['b64'] })}.{}.${made.split('.')[2]}`,
    ],
  ])('are refused with %s', async (_, change) => {
    const { client_assertion = '', ...rest } = assertionOf({
      clientId: signer.clientId,
      audience: world.issuer,
      privateKey,
    });
    const jwk = createPublicKey(privateKey).export({ format: 'jwk' });
    const proof = { ...rest, client_assertion: change(client_assertion, jwk) };
    const { json, status } = await signer.posts('introspection', { token: 'x', ...proof }, anonymous);
    expect([400, 401]).toContain(status);
    expect(json['error']).toMatch(/invalid_client|invalid_request/);
  });

  it('are not read by a key that they point to, and nobody goes there', async () => {
    let visits = 0;
    const canary = createServer((_, answer) => {
      visits += 1;
      answer.end(JSON.stringify({ keys: [stranger.publicKey.export({ format: 'jwk' })] }));
    }).listen(0, '127.0.0.1');
    await once(canary, 'listening');
    const address = `http://127.0.0.1:${(canary.address() as AddressInfo).port}/jwks`;
    for (const header of [{ jku: address }, { x5u: address }, { jku: address, kid: 'one' }]) {
      const made = { clientId: signer.clientId, audience: world.issuer, privateKey: stranger.privateKey };
      const proof = assertionOf({ ...made, header: { alg: 'ES256', ...header } });
      const { status } = await signer.posts('introspection', { token: 'x', ...proof }, anonymous);
      expect(status).toBe(401);
    }
    canary.close();
    expect(visits).toBe(0);
  });

  it('stand alone: with a secret beside them, or a secret in their place, nobody gets in (TK-13)', async () => {
    const proof = assertionOf({ clientId: signer.clientId, audience: world.issuer, privateKey });
    const secret = { client_id: signer.clientId, client_secret: 'x'.repeat(43) };
    for (const given of [{ ...proof, ...secret }, secret, { client_id: signer.clientId }]) {
      const { status, json } = await signer.posts('introspection', { token: 'x', ...given }, anonymous);
      expect([400, 401]).toContain(status);
      expect(json['error']).toMatch(/invalid_client|invalid_request/);
    }
    const alone = await signer.posts('introspection', { token: 'x', ...proof }, anonymous);
    expect(alone.status).toBe(200);
  });

  it('are used once, however many come at once', async () => {
    const client = await signerForItself();
    const proof = assertionOf({
      clientId: client.app.clientId,
      audience: world.issuer,
      privateKey: client.key,
      claims: { jti: randomUUID(), exp: now() + 60 },
    });
    const answers = await Promise.all(
      Array.from({ length: 20 }, () =>
        client.app.posts('introspection', { token: 'x', ...proof }, anonymous),
      ),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  async function signerForItself() {
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const made = await openRelyingParty(world, {
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [{ ...pair.publicKey.export({ format: 'jwk' }), use: 'sig', alg: 'ES256' }] },
    });
    return { app: made, key: pair.privateKey };
  }
});

describe('hints that are forged (TK-25)', () => {
  it.each(['authorize', 'logout'])('are refused at /%s', async (endpoint) => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const claims = {
      iss: world.issuer,
      aud: app.clientId,
      sub: account.accountId,
      iat: 1,
      exp: 9_000_000_000,
    };
    for (const alg of ['none', 'HS256', 'ES256', 'RS256']) {
      const hint = signJwt({ alg }, claims, privateKey);
      const person = world.person();
      const query =
        endpoint === 'authorize' ? app.asks({ id_token_hint: hint }).url.search : `?id_token_hint=${hint}`;
      await person.goes(`${world.issuer}/${endpoint}${query}`);
      const told = person.left ? person.left.searchParams.get('error') : person.errorCode;
      expect([alg, told]).toEqual([alg, 'invalid_request']);
      if (!person.left) expect(person.text).not.toContain(account.identifier);
    }
  });
});
