import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { minutes, seconds } from '../../../src/kit/durations.ts';
import type { Person } from '../../support/person.ts';
import {
  type Attempt,
  anonymous,
  arrivalOf,
  openRelyingParty,
  type RelyingParty,
} from '../../support/relying-party.ts';
import { isSignedBy, type Jwks, payloadOf } from '../../support/signatures.ts';
import { newAddress, send } from '../../support/wire.ts';
import { openWorld, type TestAccount, type World } from '../../support/world.ts';
import { claimsOfScope, wholePerson } from './whole-person.ts';

/** What the OpenID Foundation's plan "Basic OP" looks at, by the names of its modules. */
let world: World;
let app: RelyingParty;
let account: TestAccount;
beforeAll(async () => {
  world = await openWorld();
  app = await openRelyingParty(world, { token_endpoint_auth_method: 'client_secret_post' });
  account = await wholePerson(world);
});
afterAll(() => world.close());

const everything = 'openid profile email phone address';

/** As oidcc-server-client-secret-post does, with the secret in the form. */
function redeems(code: string, { verifier }: Pick<Attempt, 'verifier'>) {
  const form = {
    grant_type: 'authorization_code',
    code,
    redirect_uri: app.redirectUri,
    code_verifier: verifier,
    client_id: app.clientId,
    client_secret: String(app.clientSecret),
  };
  return app.posts('token', form, anonymous);
}

/** Signs in with these parameters and answers the ID token's claims, the tokens and the browser. */
async function signsIn(params: Record<string, string> = {}, person = world.person()) {
  const { code, attempt } = await app.getsCode(person, account, params);
  const answer = await redeems(code, attempt).then(({ status, json }) => ({ status, ...json }));
  const tokens = answer as { status: number; id_token: string; access_token: string };
  return { person, tokens, claims: payloadOf(tokens.id_token), attempt };
}

async function again(person: Person, params: Record<string, string>) {
  const attempt = app.asks(params);
  await person.goes(attempt.url);
  return { left: person.left?.searchParams, heading: person.left ? undefined : person.heading, attempt };
}

async function claimsAgain(person: Person, params: Record<string, string>) {
  await person.goes('about:blank').catch(() => undefined);
  return (await signsIn(params, person)).claims;
}

const namesOf = (claims: object) => Object.keys(claims).sort().join(' ');
const sorted = (...names: string[]) =>
  ['sub', ...names.join(' ').split(' ')].filter(Boolean).sort().join(' ');

describe('oidcc-server', () => {
  it('answers with a signed ID token that says what it must, and no more', async () => {
    const { tokens, claims, attempt } = await signsIn();
    expect(tokens).toMatchObject({
      status: 200,
      token_type: 'Bearer',
      expires_in: expect.any(Number),
      scope: 'openid',
    });
    expect(claims).toMatchObject({ iss: world.issuer, aud: app.clientId, nonce: attempt.nonce });
    expect(Number(claims['exp'])).toBeGreaterThan(Number(claims['iat']));
    expect(isSignedBy(tokens.id_token, (await send(`${world.issuer}/jwks`)).json as Jwks)).toBe(true);
    for (const name of ['email', 'name', 'phone_number', 'address']) expect(claims).not.toHaveProperty(name);
  });
});

describe('oidcc-response-type-missing, oidcc-ensure-registered-redirect-uri', () => {
  it.each([
    [{ response_type: undefined }, 'invalid_request'],
    [{ response_type: 'id_token' }, 'invalid_request'],
    [{ response_type: 'id_token token' }, 'invalid_request'],
    [{ response_type: 'magic' }, 'unsupported_response_type'],
  ])('%j is told to the app as %s', async (params, error) => {
    const url = app.asks(params).url;
    if (params.response_type === undefined) url.searchParams.delete('response_type');
    const person = await world.person().goes(url);
    const { searchParams, hash } = arrivalOf(person);
    expect(searchParams.get('error') ?? new URLSearchParams(hash.slice(1)).get('error')).toBe(error);
  });

  it('goes nowhere with an address that was not registered', async () => {
    for (const redirect_uri of [`${app.redirectUri}?x=y`, `${app.redirectUri}/more`, 'https://evil.test/']) {
      const person = await world.person().goes(app.asks({ redirect_uri }).url);
      expect([person.left, person.status, person.errorCode]).toEqual([
        undefined,
        400,
        'invalid_redirect_uri',
      ]);
    }
  });
});

describe('oidcc-userinfo-*, oidcc-scope-*', () => {
  it.each([
    ['openid', ''],
    ['openid profile', claimsOfScope.profile],
    ['openid email', claimsOfScope.email],
    ['openid phone', claimsOfScope.phone],
    ['openid address', claimsOfScope.address],
    [everything, Object.values(claimsOfScope).join(' ')],
  ])(
    '%s gives its claims, by GET and by POST, with the token in the header or in the body',
    async (scope, names) => {
      const { tokens, claims } = await signsIn({ scope });
      const bearer = { authorization: `Bearer ${tokens.access_token}`, 'x-forwarded-for': newAddress() };
      const body = new URLSearchParams({ access_token: tokens.access_token });
      const at = app.endpoint('userinfo');
      const answers = [
        await send(at, { headers: bearer }),
        await send(at, { method: 'POST', headers: bearer }),
        await send(at, { method: 'POST', body }),
      ];
      for (const { status, json } of answers) {
        expect([status, namesOf(json)]).toEqual([200, sorted(names)]);
        expect(json['sub']).toBe(claims['sub']);
      }
      if (scope === everything)
        expect(answers[0]?.json).toMatchObject({
          address: { locality: 'London', country: 'GB' },
          email_verified: true,
          updated_at: expect.any(Number),
        });
    },
  );

  it('says what is wrong with a token as RFC 6750 wants it, and takes none from the address', async () => {
    const { tokens } = await signsIn();
    const at = app.endpoint('userinfo');
    const wrong = await send(at, { headers: { authorization: 'Bearer nonsense' } });
    expect([wrong.status, wrong.headers['www-authenticate']]).toEqual([
      401,
      expect.stringContaining('invalid_token'),
    ]);
    expect((await send(`${at}?access_token=${tokens.access_token}`)).status).toBe(400);
  });
});

describe('oidcc-prompt-*, oidcc-max-age-*, oidcc-id-token-hint', () => {
  it('asks again with prompt=login and max_age=1, and says when, but not with max_age=10000', async () => {
    const { person, claims } = await signsIn();
    expect((await again(person, { prompt: 'none' })).left?.get('code')).toBeTruthy();
    const patient = await claimsAgain(person, { max_age: '10000' });
    expect(patient['auth_time']).toEqual(expect.any(Number));
    world.advance(2 * seconds);
    const anew = await claimsAgain(person, { max_age: '1' });
    expect(Number(anew['auth_time'])).toBeGreaterThan(Number(patient['auth_time']));
    world.advance(2 * seconds);
    const byPrompt = await claimsAgain(person, { prompt: 'login' });
    expect(Number(byPrompt['auth_time'])).toBeGreaterThan(Number(anew['auth_time']));
    expect([patient['sub'], anew['sub'], byPrompt['sub']]).toEqual(Array(3).fill(claims['sub']));
  });

  it('asks nobody with prompt=none, and takes a hint of who is meant', async () => {
    const stranger = await again(world.person(), { prompt: 'none' });
    expect(stranger.left?.get('error')).toBe('login_required');
    const { person, tokens } = await signsIn();
    const hinted = await again(person, { prompt: 'none', id_token_hint: tokens.id_token });
    expect(hinted.left?.get('code')).toBeTruthy();
    const other = await world.account();
    const somebody = world.person();
    await app.signsIn(somebody, other).catch(() => undefined);
    const meant = await again(somebody, { prompt: 'none', id_token_hint: tokens.id_token });
    expect(meant.left?.get('error')).toBe('login_required');
  });
});

describe('parameters that are taken or let be', () => {
  it.each([
    ['oidcc-display-page', { display: 'page' }],
    ['oidcc-display-popup', { display: 'popup' }],
    ['oidcc-ui-locales', { ui_locales: 'se' }],
    ['oidcc-claims-locales', { claims_locales: 'se' }],
    ['oidcc-acr-values', { acr_values: '1 2' }],
    ['oidcc-ensure-request-with-unknown-parameter-succeeds', { extra: 'foobar' }],
    ['oidcc-ensure-other-scope-order-succeeds', { scope: 'email openid' }],
    ['oidcc-login-hint', { login_hint: 'ada@example.test' }],
  ])('%s', async (_, params) => {
    const { claims } = await signsIn(params as Record<string, string>);
    expect(claims['sub']).toBeTruthy();
  });

  it('oidcc-login-hint fills in the page, oidcc-ui-locales chooses its language', async () => {
    const hinted = await world.person().goes(app.asks({ login_hint: 'ada@example.test' }).url);
    expect(hinted.html.forms[0]?.controls.find(({ name }) => name === 'identifier')?.value).toBe(
      'ada@example.test',
    );
    const german = await world.person().goes(app.asks({ ui_locales: 'xx de' }).url);
    expect(german.heading).toBe('Anmelden');
  });

  it('oidcc-ensure-request-without-nonce-succeeds-for-code-flow', async () => {
    const { code, attempt } = await app.getsCode(world.person(), account, { nonce: undefined });
    const { json } = await redeems(code, attempt);
    expect(payloadOf(String(json['id_token']))).not.toHaveProperty('nonce');
  });
});

describe('oidcc-ensure-post-request-succeeds', () => {
  it('takes a request that another site posts, and knows who is signed in', async () => {
    const { person } = await signsIn();
    const { url, state } = app.asks();
    const form = Object.fromEntries(url.searchParams);
    const address = `${url.origin}${url.pathname}`;
    await person.isSentTo(address, { form, from: 'https://app.example.test' });
    expect([person.left?.searchParams.get('state'), person.left?.searchParams.has('code')]).toEqual([
      state,
      true,
    ]);
    const long = { ...form, state: 'x'.repeat(9000) };
    await person.isSentTo(address, { form: long });
    expect([person.left, person.status]).toEqual([undefined, 413]);
    const twice = new URLSearchParams([...url.searchParams, ['state', 'other']]);
    const doubled = await send(address, { body: twice, headers: { 'x-forwarded-for': newAddress() } });
    expect([
      doubled.status,
      new URL(String(doubled.headers.location), world.issuer).searchParams.getAll('state').length,
    ]).toEqual([303, 2]);
  });
});

describe('oidcc-codereuse, oidcc-codereuse-30seconds', () => {
  it.each([0, 30 * seconds])(
    'a code is good once, %d ms later too, and ends what came of it',
    async (later) => {
      const { code, attempt } = await app.getsCode(world.person(), account);
      const first = await redeems(code, attempt);
      world.advance(later);
      const second = await redeems(code, attempt);
      expect([first.status, second.status, second.json['error']]).toEqual([200, 400, 'invalid_grant']);
      expect((await app.userinfo(String(first.json['access_token']))).status).toBe(401);
    },
  );

  it('a code is good for a minute', async () => {
    const { code, attempt } = await app.getsCode(world.person(), account);
    world.advance(2 * minutes);
    expect((await redeems(code, attempt)).json['error']).toBe('invalid_grant');
  });
});

describe('oidcc-refresh-token', () => {
  it('gives an ID token of the same person and sign-in (OpenID Connect Core section 12.2), and nothing to another app', async () => {
    const { tokens, claims } = await signsIn({ scope: 'openid offline_access', prompt: 'consent' });
    const { refresh_token } = tokens as { refresh_token?: string };
    world.advance(5 * seconds);
    const other = await openRelyingParty(world);
    const stolen = await other.refreshes(refresh_token);
    expect([stolen.status, stolen.json['error']]).toEqual([400, 'invalid_grant']);
    const { json } = await app.refreshes(refresh_token);
    const later = payloadOf(String(json['id_token']));
    for (const name of ['iss', 'sub', 'aud', 'auth_time', 'nonce']) expect(later[name]).toBe(claims[name]);
    expect(Number(later['iat'])).toBeGreaterThan(Number(claims['iat']));
  });
});

describe('oidcc-unsigned-request-object, oidcc-request-uri-*', () => {
  it('refuses a request object that nobody signed, and a reference to one', async () => {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const request = `${part({ alg: 'none' })}.${part({ state: 'x' })}.`;
    const unsigned = await again(world.person(), { request });
    expect(unsigned.left?.get('error') ?? unsigned.heading).toMatch(
      /invalid_request_object|request_not_supported/,
    );
    const referred = await world
      .person()
      .goes(app.asks({ request_uri: 'https://app.example.test/request.jwt' }).url);
    expect(referred.left?.searchParams.get('error')).toMatch(/request_uri/);
  });
});
