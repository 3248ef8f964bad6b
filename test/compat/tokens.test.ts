import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { minutes } from '../../src/kit/durations.ts';
import type { Person } from '../support/person.ts';
import { send } from '../support/wire.ts';
import { openWorld, type TestAccount, type World } from '../support/world.ts';
import { type CompatApp, openCompatApp } from './compat-app.ts';

let world: World;
let app: CompatApp;
let person: Person;
let account: TestAccount;
beforeAll(async () => {
  world = await openWorld();
  app = await openCompatApp(world);
  account = await world.account({ profile: { name: 'Ada Example' } });
  person = world.person();
});
afterAll(() => world.close());

const path = '/auth/o2/token';
const codeForm = (code: string) => ({
  grant_type: 'authorization_code',
  code,
  redirect_uri: app.redirectUri,
});

describe('a code', () => {
  it('becomes the tokens that libraries know, by their look and their members', async () => {
    const code = await app.getsCode(person, account);
    const { status, headers, json } = await app.posts(path, { ...codeForm(code), ...app.own });
    expect([status, Object.keys(json).sort()]).toEqual([
      200,
      ['access_token', 'expires_in', 'refresh_token', 'token_type'],
    ]);
    expect(json).toMatchObject({ token_type: 'bearer', expires_in: 3600 });
    expect(json['access_token']).toMatch(/^Atza\|[A-Za-z0-9_-]{345,2000}$/);
    expect(json['refresh_token']).toMatch(/^Atzr\|[A-Za-z0-9_-]{345,2000}$/);
    expect(headers['content-type']).toBe('application/json;charset=UTF-8');
    expect([headers['cache-control'], headers.pragma]).toEqual(['no-store', 'no-cache']);
  });

  it.each([
    ['/auth/O2/token', 'form', 'body'],
    ['/AUTH/o2/Token', 'json', 'body'],
    ['/auth/o2/token', 'form', 'header'],
    ['/auth/o2/token', 'json', 'both'],
  ] as const)('is redeemed at %s, as %s, with the secret in the %s', async (where, as, place) => {
    const code = await app.getsCode(person, account);
    const secret = place === 'header' ? {} : app.own;
    const headers: Record<string, string> = place === 'body' ? {} : { authorization: app.basic };
    const answer = await app.posts(where, { ...codeForm(code), ...secret, nonsense: 'x' }, headers, as);
    expect([answer.status, answer.json['token_type']]).toEqual([200, 'bearer']);
  });

  it('outlives a failed proof of the app, as libraries try the header first and then the body', async () => {
    const code = await app.getsCode(person, account);
    const wrong = `Basic ${Buffer.from(`${app.clientId}:wrong-secret`).toString('base64')}`;
    const first = await app.posts(path, codeForm(code), { authorization: wrong });
    expect([first.status, first.json['error'], first.json['error_description']]).toEqual([
      401,
      'invalid_client',
      'Client authentication failed',
    ]);
    const disagree = await app.posts(path, { ...codeForm(code), ...app.own }, { authorization: wrong });
    expect(disagree.status).toBe(401);
    for (const more of [{ client_secret: 'wrong-secret' }, { client_id: 'another' }]) {
      const form = { ...codeForm(code), ...app.own, ...more };
      expect((await app.posts(path, form, { authorization: app.basic })).status).toBe(401);
    }
    expect((await app.posts(path, { ...codeForm(code), ...app.own })).status).toBe(200);
  });

  it('needs no redirect_uri here, and takes no other one', async () => {
    const code = await app.getsCode(person, account);
    const other = { ...codeForm(code), redirect_uri: 'https://evil.test/', ...app.own };
    expect((await app.posts(path, other)).json).toMatchObject({ error: 'invalid_grant' });
    const bare = { grant_type: 'authorization_code', code, ...app.own };
    expect((await app.posts(path, bare)).status).toBe(200);
  });

  it('is good once, for five minutes, and ends what came of it when it comes again', async () => {
    const code = await app.getsCode(person, account);
    world.advance(4 * minutes);
    const first = await app.posts(path, { ...codeForm(code), ...app.own });
    expect(first.status).toBe(200);
    const again = await app.posts(path, { ...codeForm(code), ...app.own });
    expect([again.status, again.json['error'], again.json['error_description']]).toEqual([
      400,
      'invalid_grant',
      'The request has an invalid grant parameter : code',
    ]);
    expect((await app.profile(String(first.json['access_token']))).status).toBe(400);
    const late = await app.getsCode(person, account);
    world.advance(6 * minutes);
    expect((await app.posts(path, { ...codeForm(late), ...app.own })).json).toMatchObject({
      error: 'invalid_grant',
    });
  });

  it('is good once, however many come with it at the same moment (TK-01)', async () => {
    const code = await app.getsCode(person, account);
    const form = { ...codeForm(code), ...app.own };
    const answers = await Promise.all(Array.from({ length: 8 }, () => app.posts(path, form)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ json }) => json['error'] === 'invalid_grant')).toHaveLength(7);
  });

  it('of another app is not redeemed', async () => {
    const other = await openCompatApp(world);
    const code = await app.getsCode(person, account);
    const stolen = await other.posts(path, { ...codeForm(code), ...other.own });
    expect(stolen.json).toMatchObject({ error: 'invalid_grant' });
  });
});

describe('PKCE', () => {
  const verifier = 'v'.repeat(50);
  const s256 = createHash('sha256').update(verifier).digest('base64url');

  it.each([
    ['S256', { code_challenge: s256, code_challenge_method: 'S256' }],
    ['plain', { code_challenge: verifier, code_challenge_method: 'plain' }],
    ['no method, which is plain', { code_challenge: verifier }],
  ])('with %s holds the code to its verifier', async (_name, challenge) => {
    const code = await app.getsCode(person, account, challenge);
    const without = await app.posts(path, { ...codeForm(code), ...app.own });
    const about = 'The request has an invalid grant parameter : code_verifier';
    expect(without.json).toMatchObject({ error: 'invalid_grant', error_description: about });
    const wrong = await app.posts(path, { ...codeForm(code), ...app.own, code_verifier: 'w'.repeat(50) });
    expect(wrong.json).toMatchObject({ error: 'invalid_grant' });
    const right = await app.posts(path, { ...codeForm(code), ...app.own, code_verifier: verifier });
    expect(right.status).toBe(200);
  });

  it('lets an app in a browser redeem without the secret, for no refresh token', async () => {
    const code = await app.getsCode(person, account, { code_challenge: s256, code_challenge_method: 'S256' });
    const bare = { ...codeForm(code), client_id: app.clientId };
    expect((await app.posts(path, bare)).status).toBe(401);
    const elsewhere = { ...bare, code_verifier: verifier, redirect_uri: 'https://evil.test/' };
    expect((await app.posts(path, elsewhere)).json).toMatchObject({ error: 'invalid_grant' });
    const { status, json } = await app.posts(path, { ...bare, code_verifier: verifier });
    expect([status, Object.keys(json).sort()]).toEqual([200, ['access_token', 'expires_in', 'token_type']]);
  });

  it('does not stand in for the secret where the code has no challenge', async () => {
    const code = await app.getsCode(person, account);
    const guess = { ...codeForm(code), client_id: app.clientId, code_verifier: verifier };
    expect((await app.posts(path, guess)).json).toMatchObject({ error: 'invalid_grant' });
  });
});

describe('a refresh token', () => {
  it('stays the same and good, however often and late it is used, and each answer has it', async () => {
    const { refresh_token } = await app.signsIn(person, account);
    for (const body of [{}, {}, {}]) {
      const { status, json } = await app.refreshes(refresh_token, body);
      expect([status, json['refresh_token'], json['token_type']]).toEqual([200, refresh_token, 'bearer']);
      expect((await app.profile(String(json['access_token']))).status).toBe(200);
      world.advance(200 * 24 * 60 * minutes);
    }
  });

  it('may be written with a bare bar in a form, which a query would not', async () => {
    const { refresh_token } = await app.signsIn(world.person(), await world.account());
    const raw = `grant_type=refresh_token&refresh_token=${refresh_token}&client_id=${app.clientId}&client_secret=${app.clientSecret}`;
    expect((await app.posts('/auth/O2/token', raw)).status).toBe(200);
    const json = { grant_type: 'refresh_token', refresh_token, ...app.own };
    expect((await app.posts(path, json, {}, 'json')).status).toBe(200);
  });

  it('is bound to its app and ends with what the person allowed', async () => {
    const other = await openCompatApp(world);
    const { refresh_token } = await app.signsIn(world.person(), await world.account());
    expect((await other.refreshes(refresh_token)).json).toMatchObject({
      error: 'unauthorized_client',
      error_description: 'Not authorized for requested operation',
    });
    const open = { grant_type: 'refresh_token', refresh_token, client_id: app.clientId };
    expect((await app.posts(path, open)).status).toBe(401);
    const made = `${refresh_token.slice(0, -1)}${refresh_token.endsWith('A') ? 'B' : 'A'}`;
    expect((await app.refreshes(made)).json).toMatchObject({ error: 'invalid_grant' });
    expect((await app.refreshes(refresh_token)).status).toBe(200);
  });
});

describe('what is wrong with a request', () => {
  it.each([
    [{}, 400, 'unsupported_grant_type'],
    [{ grant_type: 'password' }, 400, 'unsupported_grant_type'],
    [{ grant_type: 'authorization_code' }, 400, 'invalid_request'],
    [{ grant_type: 'refresh_token', client_id: 'nobody', client_secret: 'x' }, 401, 'invalid_client'],
    [{ grant_type: 'refresh_token', client_id: ['a', 'b'] }, 400, 'invalid_request'],
  ])('%j is told so', async (body, status, error) => {
    const answer = await app.posts(path, body, {}, 'json');
    expect([answer.status, answer.json['error']]).toEqual([status, error]);
    expect(Object.keys(answer.json).sort()).toEqual(['error', 'error_description', 'request_id']);
  });

  it('is told of malformed bodies, repeated members and other methods too', async () => {
    expect((await app.posts(path, '{"grant_type":', {}, 'json')).json).toMatchObject({
      error: 'invalid_request',
      error_description: 'Malformed request',
    });
    expect((await app.posts(path, 'grant_type=refresh_token&grant_type=x')).json).toMatchObject({
      error: 'invalid_request',
    });
    const probe = await send(`${world.issuer}${path}`);
    expect([probe.status, probe.headers.allow, probe.json['error']]).toEqual([
      405,
      'POST, OPTIONS',
      'invalid_request',
    ]);
  });
});

describe('an app without a secret', () => {
  it('must bind its code, gets no refresh token, and does not pass as one that has one (TK-13)', async () => {
    const open = await openCompatApp(world, { token_endpoint_auth_method: 'none' });
    const asked = await send(open.asks());
    expect(asked.headers.location).toMatch(/[?&]error=invalid_request$/);
    const code = await open.getsCode(world.person(), await world.account(), {
      code_challenge: 'v'.repeat(43),
    });
    const form = { ...codeForm(code), ...open.own, code_verifier: 'v'.repeat(43) };
    expect((await open.posts(path, { ...form, client_secret: 'any' })).status).toBe(401);
    const { status, json } = await open.posts(path, form);
    expect([status, json['refresh_token']]).toEqual([200, undefined]);
  });
});

describe('a machine', () => {
  it('gets a token for scopes it is registered for, and the answer says which', async () => {
    const machine = await openCompatApp(world, {
      grant_types: ['client_credentials'],
      redirect_uris: [],
      scope: 'alexa:skill_messaging sellingpartnerapi::notifications',
    });
    const ask = (scope: string | undefined) =>
      machine.posts('/auth/O2/token', {
        grant_type: 'client_credentials',
        ...machine.own,
        ...(scope ? { scope } : {}),
      });
    const { status, json } = await ask('sellingpartnerapi::notifications');
    expect([status, json['scope'], json['token_type']]).toEqual([
      200,
      'sellingpartnerapi::notifications',
      'bearer',
    ]);
    expect(json['access_token']).toMatch(/^Atza\|[A-Za-z0-9_-]{345,}$/);
    expect(json['expires_in']).toBe(3600);
    expect(json).not.toHaveProperty('refresh_token');
    expect((await ask('sellingpartnerapi::migration')).json).toMatchObject({ error: 'invalid_scope' });
    expect((await ask(undefined)).json).toMatchObject({ error: 'invalid_request' });
    const info = await send(
      `${world.issuer}/auth/o2/tokeninfo?access_token=${encodeURIComponent(String(json['access_token']))}`,
    );
    expect(info.json).toMatchObject({ aud: machine.clientId });
    expect((await machine.profile(String(json['access_token']))).status).toBe(400);
    expect(
      (await app.posts(path, { grant_type: 'client_credentials', scope: 'a:b', ...app.own })).json,
    ).toMatchObject({ error: 'unauthorized_client' });
  });
});
