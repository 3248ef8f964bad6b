import { createHash, generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { listEvents } from '../../src/audit/list.ts';
import { days, seconds } from '../../src/kit/durations.ts';
import { anonymous, openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { openWorld, type TestAccount, type World } from '../support/world.ts';

let world: World;
let app: RelyingParty;
let account: TestAccount;
beforeAll(async () => {
  // Lives of a year pass between the tests, and nobody who comes back after that is to be asked for a code here.
  world = await openWorld({ ADAPTIVE_CHECK: 'off' });
  app = await openRelyingParty(world);
  account = await world.account();
});
afterAll(() => world.close());

const lasting = { scope: 'openid profile email offline_access' };
const code = (by = app) => by.getsCode(world.person(), account, lasting);
const tokens = async (by = app) => by.signsIn(world.person(), account, lasting);

describe('a code that comes twice (misuse case TK-01)', () => {
  it('is refused, ends what the first one opened, alarms each time, and the person hears of it', async () => {
    const { code: stolen, attempt } = await code();
    const first = (await app.redeems(stolen, attempt)).json;
    expect(first['access_token']).toBeDefined();
    for (let again = 0; again < 3; again += 1) {
      world.advance(again * 10 * seconds);
      const { status, json } = await app.redeems(stolen, attempt);
      expect([status, json['error']]).toEqual([400, 'invalid_grant']);
    }
    expect(await app.introspects(String(first['access_token']))).toEqual({ active: false });
    expect(await app.introspects(String(first['refresh_token']))).toEqual({ active: false });
    expect((await app.userinfo(String(first['access_token']))).status).toBe(401);
    const events = await listEvents(world.services, { accountId: account.accountId, limit: 100 });
    expect(events.filter(({ type }) => type === 'code.reuse_detected')).toHaveLength(3);
  });

  it('is over after a minute', async () => {
    const { code: late, attempt } = await code();
    world.advance(70 * seconds);
    expect((await app.redeems(late, attempt)).json).toMatchObject({ error: 'invalid_grant' });
  });
});

describe('a code of another app (TK-03)', () => {
  it('is refused to it and stays good for the one it was given to', async () => {
    const another = await openRelyingParty(world);
    const { code: mine, attempt } = await code();
    const theirs = await another.redeems(mine, attempt, { redirect_uri: app.redirectUri });
    expect(theirs.json).toMatchObject({ error: 'invalid_grant' });
    expect((await app.redeems(mine, attempt)).status).toBe(200);
  });
});

describe('a code with something wrong beside it (TK-05, AZ-13)', () => {
  it.each<[string, Record<string, string>]>([
    ['another redirect URI', { redirect_uri: 'https://evil.test/callback' }],
    ['an empty redirect URI', { redirect_uri: '' }],
    ['another verifier', { code_verifier: 'a'.repeat(43) }],
    ['a short verifier', { code_verifier: 'a'.repeat(20) }],
    ['an empty verifier', { code_verifier: '' }],
    ['letters no verifier has', { code_verifier: `${'a'.repeat(42)} ` }],
  ])('is refused: %s', async (_, wrong) => {
    const { code: fresh, attempt } = await code();
    const { status, json } = await app.redeems(fresh, attempt, wrong);
    expect(status).toBe(400);
    expect(json['error']).toMatch(/invalid_grant|invalid_request/);
    expect(json['access_token']).toBeUndefined();
  });

  it('is refused with a verifier that is too short, though it is the one', async () => {
    const short = 'a'.repeat(42);
    const code_challenge = createHash('sha256').update(short).digest('base64url');
    const { code: fresh, attempt } = await app.getsCode(world.person(), account, { code_challenge });
    const { status, json } = await app.redeems(fresh, { ...attempt, verifier: short });
    expect([status, json['error']]).toEqual([400, 'invalid_request']);
  });

  it('is not spent by that: after five wrong verifiers the right one is taken (docs/divergences.md, 4.1.2)', async () => {
    const { code: fresh, attempt } = await code();
    for (const letter of 'abcde')
      expect((await app.redeems(fresh, { ...attempt, verifier: letter.repeat(43) })).status).toBe(400);
    expect((await app.redeems(fresh, attempt)).status).toBe(200);
  });

  it('is refused without a verifier at all', async () => {
    const { code: fresh } = await code();
    const body = { grant_type: 'authorization_code', code: fresh, redirect_uri: app.redirectUri };
    expect((await app.posts('token', body)).status).toBe(400);
  });
});

describe('a refresh token (TK-07)', () => {
  it('is used up by use; one that comes again later ends the grant and the person is told', async () => {
    const first = await tokens();
    const second = (await app.refreshes(first.refresh_token)).json;
    expect(second['refresh_token']).not.toBe(first.refresh_token);
    world.advance(11 * seconds);
    expect((await app.refreshes(first.refresh_token)).json).toMatchObject({ error: 'invalid_grant' });
    expect((await app.refreshes(String(second['refresh_token']))).json).toMatchObject({
      error: 'invalid_grant',
    });
    for (const dead of [first.access_token, String(second['access_token'])])
      expect((await app.userinfo(dead)).status).toBe(401);
    const events = await listEvents(world.services, { accountId: account.accountId, limit: 100 });
    expect(events.map(({ type }) => type)).toContain('refresh_token.reuse_detected');
    const [notice] = await world.outbox();
    expect(notice?.text).toContain(app.name);
  });

  it('of a public app rotates as well', async () => {
    const native = await openRelyingParty(world, { token_endpoint_auth_method: 'none' });
    const first = await tokens(native);
    const second = (await native.refreshes(first.refresh_token)).json;
    world.advance(11 * seconds);
    expect((await native.refreshes(first.refresh_token)).status).toBe(400);
    expect((await native.refreshes(String(second['refresh_token']))).status).toBe(400);
  });

  it('ends after 30 days without use, and after a year however often it is used', async () => {
    const own = await openWorld();
    try {
      const partner = await openRelyingParty(own);
      const who = await own.account();
      const idle = await partner.signsIn(own.person(), who, lasting);
      const busy = await partner.signsIn(own.person(), who, lasting);
      own.advance(31 * days);
      expect((await partner.refreshes(idle.refresh_token)).status).toBe(400);

      const fresh = await partner.signsIn(own.person(), who, lasting);
      expect((await partner.refreshes(busy.refresh_token)).status).toBe(400);
      let current: unknown = fresh.refresh_token;
      for (let day = 0; day < 340; day += 20) {
        own.advance(20 * days);
        const { status, json } = await partner.refreshes(String(current));
        expect([day, status]).toEqual([day, 200]);
        current = json['refresh_token'];
      }
      own.advance(26 * days);
      expect((await partner.refreshes(String(current))).status).toBe(400);
    } finally {
      await own.close();
    }
  });

  it('of another app is refused and stays good (TK-09)', async () => {
    const [another, native] = [
      await openRelyingParty(world),
      await openRelyingParty(world, { token_endpoint_auth_method: 'none' }),
    ];
    const { refresh_token } = await tokens();
    const body = { grant_type: 'refresh_token', refresh_token: String(refresh_token) };
    const tries = [
      another.refreshes(refresh_token),
      native.refreshes(refresh_token),
      app.posts('token', { ...body, client_id: app.clientId }, anonymous),
      app.posts('token', { ...body, client_id: app.clientId, client_secret: '' }, anonymous),
      app.posts('token', body, app.basic('wrong')),
    ];
    for (const { status, json } of await Promise.all(tries)) {
      expect([400, 401]).toContain(status);
      expect(json['error']).toMatch(/invalid_client|invalid_grant|invalid_request/);
    }
    expect((await app.refreshes(refresh_token)).status).toBe(200);
  });
});

describe('the scope of a refresh (TK-11)', () => {
  it('may be narrower, never wider, and narrowing is for once', async () => {
    const { refresh_token } = await tokens();
    const wider = await app.refreshes(refresh_token, { scope: 'openid address' });
    expect(wider.json).toMatchObject({ error: 'invalid_scope' });
    const narrow = (await app.refreshes(refresh_token, { scope: 'openid email' })).json;
    expect(narrow['scope']).toBe('openid email');
    expect(Object.keys((await app.userinfo(String(narrow['access_token']))).json)).not.toContain('name');
    // An empty one is as good as none (RFC 6749 section 3.1).
    const whole = (await app.refreshes(String(narrow['refresh_token']), { scope: '' })).json;
    expect(whole['scope']).toBe('openid profile email offline_access');
  });
});

describe('how an app proves who it is (TK-13)', () => {
  it.each<
    [
      string,
      (by: RelyingParty, other: RelyingParty) => [Record<string, string>, Record<string, string | undefined>],
    ]
  >([
    [
      'both ways at once',
      (by) => [{ client_id: by.clientId, client_secret: by.clientSecret ?? '' }, by.basic()],
    ],
    ['two names', (by, other) => [{ client_id: other.clientId }, by.basic()]],
    ['nothing', (by) => [{ client_id: by.clientId }, anonymous]],
    ['nobody', () => [{}, anonymous]],
    ['a wrong secret', (by) => [{}, by.basic('wrong')]],
    ['the secret and a NUL', (by) => [{}, by.basic(`${by.clientSecret}\0`)]],
    ['the secret of another app', (by, other) => [{}, by.basic(other.clientSecret)]],
    ['Basic that is not base64', () => [{}, { authorization: 'Basic %%%' }]],
    [
      'an assertion nobody registered',
      (by) => [
        {
          client_id: by.clientId,
          client_assertion: 'a.b.c',
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        },
        anonymous,
      ],
    ],
  ])('is refused with %s, and the code stays good', async (_, make) => {
    const another = await openRelyingParty(world);
    const { code: fresh, attempt } = await code();
    const [body, headers] = make(app, another);
    const base = { grant_type: 'authorization_code', code: fresh, redirect_uri: app.redirectUri };
    const {
      status,
      json,
      headers: told,
    } = await app.posts('token', { ...base, code_verifier: attempt.verifier, ...body }, headers);
    expect([400, 401]).toContain(status);
    expect(json['error']).toMatch(/invalid_client|invalid_request/);
    if (status === 401 && headers['authorization']) expect(told['www-authenticate']).toMatch(/^Basic/);
    expect((await app.redeems(fresh, attempt)).status).toBe(200);
  });

  it('is its secret in the header or in the form: libraries choose by themselves, and both go through one door', async () => {
    const { code: fresh, attempt } = await code();
    const body = { code: fresh, redirect_uri: app.redirectUri, code_verifier: attempt.verifier };
    const secret = { client_id: app.clientId, client_secret: String(app.clientSecret) };
    const redeem = (more: Record<string, string>) =>
      app.posts('token', { grant_type: 'authorization_code', ...body, ...more }, anonymous);
    expect((await redeem({ ...secret, client_secret: `${secret.client_secret}\0` })).status).toBe(401);
    expect((await redeem(secret)).status).toBe(200);
  });

  it('is refused to a public app that suddenly has a secret', async () => {
    const native = await openRelyingParty(world, { token_endpoint_auth_method: 'none' });
    const { code: fresh, attempt } = await code(native);
    const { status } = await native.redeems(fresh, attempt, { client_secret: 'anything' });
    expect([400, 401]).toContain(status);
  });

  it('takes a signed assertion of an app that registered its key, once', async () => {
    const { assertionOf } = await import('../support/assertion.ts');
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const signer = await openRelyingParty(world, {
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }), use: 'sig', alg: 'ES256' }] },
    });
    const proof = assertionOf({ clientId: signer.clientId, audience: world.issuer, privateKey });
    const redeem = async () => {
      const { code: fresh, attempt } = await code(signer);
      return signer.redeems(fresh, attempt, proof);
    };
    expect((await redeem()).status).toBe(200);
    expect((await redeem()).json).toMatchObject({ error: 'invalid_client' });
  });
});
