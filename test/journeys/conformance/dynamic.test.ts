import { createHash, generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type AppServer, listenForApp } from '../../support/app-server.ts';
import { assertionOf } from '../../support/assertion.ts';
import { headerOf, payloadOf } from '../../support/signatures.ts';
import { newAddress, send } from '../../support/wire.ts';
import { openWorld, type TestAccount, type World } from '../../support/world.ts';

/** What the plan "Dynamic OP" looks at, for apps that register themselves, by the names of its modules. */
const callback = 'https://suite.example.test/callback';
let world: World;
let account: TestAccount;
let keys: AppServer;
let served: object = { keys: [] };
beforeAll(async () => {
  keys = await listenForApp();
  keys.serve((_request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(served));
  });
  world = await openWorld({ DYNAMIC_REGISTRATION: 'open', ALLOW_LOOPBACK_FETCH: 'on' });
  account = await world.account();
});
afterAll(async () => {
  await world.close();
  await keys.stop();
});

type App = Record<string, unknown> & { client_id: string; client_secret: string };

async function registers(metadata: object): Promise<{ status: number; json: App }> {
  const { status, json } = await send(`${world.issuer}/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-forwarded-for': newAddress() },
    body: JSON.stringify({ redirect_uris: [callback], client_name: 'suite', ...metadata }),
  });
  return { status, json: json as App };
}

const verifier = 'v'.repeat(43);
const challenge = createHash('sha256').update(verifier).digest('base64url');

async function answerTo(app: App, params: Record<string, string> = {}) {
  const asked = {
    client_id: app.client_id,
    redirect_uri: callback,
    response_type: 'code',
    scope: 'openid',
    code_challenge: challenge,
    code_challenge_method: 'S256',
    ...params,
  };
  const person = await world.person().goes(`${world.issuer}/authorize?${new URLSearchParams(asked)}`);
  if (!person.left && person.heading === 'Sign in') await person.signsIn(account);
  if (!person.left && person.status === 200) await person.decides('allow');
  return person;
}

async function redeems(app: App, form: Record<string, string>, headers?: Record<string, string>) {
  const basic = Buffer.from(`${app.client_id}:${app.client_secret}`).toString('base64');
  const { status, json } = await send(`${world.issuer}/token`, {
    body: new URLSearchParams(form),
    headers: headers ?? { authorization: `Basic ${basic}`, 'x-forwarded-for': newAddress() },
  });
  return { status, json };
}

async function tokensOf(app: App, params: Record<string, string> = {}, proof?: Record<string, string>) {
  const person = await answerTo(app, params);
  const code = String(person.left?.searchParams.get('code'));
  const form = { grant_type: 'authorization_code', code, redirect_uri: callback, code_verifier: verifier };
  return redeems(app, { ...form, ...proof }, proof ? {} : undefined);
}

describe('redirect URIs', () => {
  it('oidcc-redirect-uri-query-OK, -query-added, -query-mismatch', async () => {
    const { json } = await registers({ redirect_uris: [`${callback}?foo=bar`, callback] });
    const exact = await answerTo(json, { redirect_uri: `${callback}?foo=bar` });
    expect(exact.left?.searchParams.get('foo')).toBe('bar');
    expect(exact.left?.searchParams.has('code')).toBe(true);
    for (const redirect_uri of [`${callback}?foo=baz`, `${callback}?foo=bar&more=1`, `${callback}?`]) {
      const person = await answerTo(json, { redirect_uri }).catch(() => undefined);
      expect(person?.left).toBeUndefined();
    }
  });

  it('oidcc-redirect-uri-regfrag: none with a fragment is registered', async () => {
    const { status, json } = await registers({ redirect_uris: [`${callback}#fragment`] });
    expect([status, json['error']]).toEqual([400, 'invalid_redirect_uri']);
  });
});

describe('what apps say of themselves', () => {
  it.each([
    ['oidcc-registration-logo-uri', { logo_uri: 'https://suite.example.test/logo.png' }],
    ['oidcc-registration-policy-uri', { policy_uri: 'https://suite.example.test/policy' }],
    ['oidcc-registration-tos-uri', { tos_uri: 'https://suite.example.test/terms' }],
    ['oidcc-server-client-secret-post', { token_endpoint_auth_method: 'client_secret_post' }],
    ['oidcc-max-age by default', { default_max_age: 10_000, require_auth_time: true }],
  ])('%s is answered as it was sent', async (_, metadata) => {
    const { status, json } = await registers(metadata);
    expect(status).toBe(201);
    expect(json).toMatchObject(metadata);
  });

  it('oidcc-registration-policy-uri, -tos-uri: the first page leads there', async () => {
    const documents = { policy_uri: 'https://suite.example.test/policy', tos_uri: `${callback}/terms` };
    const { json } = await registers(documents);
    const params = {
      response_type: 'code',
      scope: 'openid',
      redirect_uri: callback,
      code_challenge: 'x'.repeat(43),
      code_challenge_method: 'S256',
    };
    const person = await world
      .person()
      .goes(
        `${world.issuer}/authorize?${new URLSearchParams({ ...params, client_id: String(json['client_id']) })}`,
      );
    expect(person.heading).toBe('Sign in');
    const led = person.html.links.map(({ href }) => href);
    expect(led).toEqual(expect.arrayContaining(Object.values(documents)));
  });

  it('oidcc-registration-sector-bad: a list that does not name the redirect URI is refused', async () => {
    served = ['https://elsewhere.example.test/callback'];
    const sector = `${keys.origin}/sector`;
    const { status, json } = await registers({ subject_type: 'pairwise', sector_identifier_uri: sector });
    expect([status, json['error']]).toEqual([400, 'invalid_client_metadata']);
  });

  it('require_auth_time and default_max_age hold where the request does not say', async () => {
    const { json } = await registers({ default_max_age: 10_000, require_auth_time: true });
    const answer = await tokensOf(json);
    expect(payloadOf(String(answer.json['id_token']))['auth_time']).toEqual(expect.any(Number));
  });

  it.each(['RS256', 'ES256'] as const)('oidcc-idtoken-%s, and the same for UserInfo', async (alg) => {
    const { json } = await registers({
      id_token_signed_response_alg: alg,
      userinfo_signed_response_alg: alg,
    });
    const answer = await tokensOf(json);
    expect(headerOf(String(answer.json['id_token'])).alg).toBe(alg);
    const headers = { authorization: `Bearer ${answer.json['access_token']}` };
    const userinfo = await send(`${world.issuer}/userinfo`, { headers });
    expect(userinfo.headers['content-type']).toMatch(/^application\/jwt/);
    expect(headerOf(userinfo.text).alg).toBe(alg);
  });

  it('oidcc-idtoken-unsigned: nothing unsigned is registered', async () => {
    const { status, json } = await registers({ id_token_signed_response_alg: 'none' });
    expect([status, json['error']]).toEqual([400, 'invalid_client_metadata']);
  });
});

describe('keys of apps', () => {
  it('oidcc-registration-jwks-uri, oidcc-refresh-token-rp-key-rotation: a new key is found when it is used', async () => {
    const pairs = ['one', 'two'].map((kid) => ({
      kid,
      ...generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    }));
    const published = ({ kid, publicKey }: (typeof pairs)[number]) => ({
      keys: [{ ...publicKey.export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig' }],
    });
    const { json } = await registers({
      token_endpoint_auth_method: 'private_key_jwt',
      jwks_uri: `${keys.origin}/jwks`,
      grant_types: ['authorization_code', 'refresh_token'],
    });
    const proofBy = ({ kid, privateKey }: (typeof pairs)[number]) =>
      assertionOf({
        clientId: json.client_id,
        audience: world.issuer,
        privateKey,
        header: { alg: 'ES256', kid },
      });
    const [first, second] = pairs as [(typeof pairs)[number], (typeof pairs)[number]];
    served = published(first);
    const params = { scope: 'openid offline_access', prompt: 'consent' };
    const got = await tokensOf(json, params, proofBy(first));
    expect(got.status).toBe(200);
    served = published(second);
    world.advance(61_000);
    const form = { grant_type: 'refresh_token', refresh_token: String(got.json['refresh_token']) };
    const again = await redeems(json, { ...form, ...proofBy(second) }, {});
    expect([again.status, payloadOf(String(again.json['id_token']))['sub']]).toEqual([
      200,
      payloadOf(String(got.json['id_token']))['sub'],
    ]);
    const late = await redeems(
      json,
      { grant_type: 'refresh_token', refresh_token: String(again.json['refresh_token']), ...proofBy(first) },
      {},
    );
    expect(late.status).toBe(401);
  });
});
