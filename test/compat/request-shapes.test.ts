import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { minutes } from '../../src/kit/durations.ts';
import { readSettings } from '../../src/settings.ts';
import type { Person } from '../support/person.ts';
import { newAddress, send } from '../support/wire.ts';
import { openWorld, type TestAccount, type World } from '../support/world.ts';
import { type CompatApp, openCompatApp } from './compat-app.ts';

/** What clients that nobody here wrote send and read, letter by letter. */
let world: World;
let app: CompatApp;
let person: Person;
let account: TestAccount;
let tokens: { access_token: string; refresh_token: string };
beforeAll(async () => {
  world = await openWorld({ COMPAT_HOSTS: 'api.shop.test' });
  app = await openCompatApp(world, { scope: 'profile postal_code alexa:all' });
  account = await world.account({ profile: { name: 'Ada Example', address: { postal_code: '98052' } } });
  person = world.person();
  tokens = await app.signsIn(person, account, { scope: 'profile postal_code' });
});
afterAll(() => world.close());

const refreshForm = () => ({
  grant_type: 'refresh_token',
  refresh_token: tokens.refresh_token,
  ...app.own,
});

describe('an address with a slash at the end', () => {
  it.each(['/auth/o2/token/', '/auth/O2/token/'])('is the same: %s', async (path) => {
    expect((await app.posts(path, refreshForm())).status).toBe(200);
    const at = `http://api.shop.test${path}`;
    const sent = { method: 'POST', port: world.port, headers: { 'x-forwarded-for': newAddress() } };
    expect((await send(at, { ...sent, body: new URLSearchParams(refreshForm()) })).status).toBe(200);
  });

  it('is so for the profile, token information and codes of devices', async () => {
    for (const path of ['/user/profile/', '/ap/user/profile/', '/auth/o2/tokeninfo/'])
      expect([path, (await app.profile(tokens.access_token, path)).status]).toEqual([path, 200]);
    const pair = await app.posts('/auth/O2/create/codepair/', { response_type: 'device_code' });
    expect(pair.json['error_description']).toBe('The request is missing a required parameter : client_id');
  });

  it('is so for the authorization page', async () => {
    await person.goes(app.asks().replace('/ap/oa?', '/ap/oa/?'));
    expect(person.left?.searchParams.get('scope')).toBe('profile');
    const { headers } = await send(`http://api.shop.test/ap/oa/?client_id=x`, { port: world.port });
    expect(headers.location).toBe(`${world.issuer}/ap/oa?client_id=x`);
  });
});

describe('a body', () => {
  const json = () => JSON.stringify(refreshForm());
  const form = () => new URLSearchParams(refreshForm()).toString();

  it.each<[string, () => string, Record<string, string | undefined>]>([
    [
      'a form that names its letters',
      form,
      { 'content-type': 'application/x-www-form-urlencoded;charset=UTF-8' },
    ],
    ['a form that does not say so', form, { 'content-type': undefined }],
    ['JSON without a charset', json, { 'content-type': 'application/json' }],
    ['JSON that says so in capitals', json, { 'content-type': 'Application/JSON;charset="UTF-8"' }],
    ['JSON behind a byte order mark', () => `\ufeff${json()}`, { 'content-type': 'application/json' }],
    [
      'JSON with what was left empty, and more than we know',
      () =>
        JSON.stringify({
          ...refreshForm(),
          scope: null,
          redirect_uri: '',
          expires_in: 3600,
          more: { a: [1] },
        }),
      { 'content-type': 'application/json' },
    ],
    ['a form with more than we know', () => `${form()}&scope=profile&redirect_uri=x&language=de`, {}],
    ['a form for somebody who takes anything', form, { accept: '*/*' }],
    ['a form for somebody who wants a page', form, { accept: 'text/html', 'accept-language': 'xx' }],
  ])('may be %s', async (_what, body, headers) => {
    const answer = await app.posts('/auth/o2/token', body(), headers as Record<string, string>);
    expect([answer.status, answer.json['refresh_token']]).toEqual([200, tokens.refresh_token]);
    expect(answer.headers['content-type']).toBe('application/json;charset=UTF-8');
  });

  it('is where the parameters stand: those in the address do not count', async () => {
    const answer = await app.posts(`/auth/o2/token?${form()}`, '');
    expect([answer.status, answer.json['error']]).toEqual([400, 'unsupported_grant_type']);
  });
});

describe('an answer', () => {
  it('has its members in the order of the public examples, and a number of its own', async () => {
    const code = await app.getsCode(person, account);
    const redeemed = await app.posts('/auth/o2/token', {
      grant_type: 'authorization_code',
      code,
      redirect_uri: app.redirectUri,
      ...app.own,
    });
    const members = ['access_token', 'token_type', 'expires_in', 'refresh_token'];
    expect(Object.keys(redeemed.json)).toEqual(members);
    const refreshed = await app.refreshes(tokens.refresh_token);
    expect(Object.keys(refreshed.json)).toEqual(members);
    expect(refreshed.headers['x-amzn-requestid']).toMatch(/^[\w-]{8,}$/);
    expect(refreshed.headers['x-amzn-requestid']).not.toBe(redeemed.headers['x-amzn-requestid']);
    const flat = await app.profile(tokens.access_token);
    expect(Object.keys(flat.json)).toEqual(['user_id', 'name', 'email', 'postal_code']);
    const { json } = await app.profile(tokens.access_token, '/ap/user/profile');
    expect(Object.keys(json['Profile'] as object)).toEqual([
      'CustomerId',
      'Name',
      'PrimaryEmail',
      'PostalCode',
    ]);
  });

  it.each<[string, number, string, string, () => Record<string, string>]>([
    [
      'a code that is missing',
      400,
      'invalid_request',
      'The request is missing a required parameter : code',
      () => ({ grant_type: 'authorization_code', ...app.own }),
    ],
    [
      'an app that nobody knows',
      401,
      'invalid_client',
      'Client authentication failed',
      () => ({ ...refreshForm(), client_id: 'nobody' }),
    ],
    [
      'a grant type that there is not',
      400,
      'unsupported_grant_type',
      'The authorization grant type is not supported by the authorization server',
      () => ({ ...refreshForm(), grant_type: 'password' }),
    ],
    [
      'a code that there is not',
      400,
      'invalid_grant',
      'The request has an invalid grant parameter : code',
      () => ({ grant_type: 'authorization_code', code: 'x', redirect_uri: app.redirectUri, ...app.own }),
    ],
    [
      'a refresh token that there is not',
      400,
      'invalid_grant',
      "The request has an invalid grant parameter : refresh_token. User may have revoked or didn't grant the permission.",
      () => ({ ...refreshForm(), refresh_token: 'Atzr|x' }),
    ],
    [
      'a grant type that the app does not have',
      400,
      'unauthorized_client',
      'Not authorized for requested operation',
      () => ({ grant_type: 'client_credentials', scope: 'a:b', ...app.own }),
    ],
  ])('to %s has the words that are matched', async (_what, status, error, description, body) => {
    const answer = await app.posts('/auth/o2/token', body());
    expect(answer).toMatchObject({ status, json: { error, error_description: description } });
    expect(answer.headers['access-control-allow-origin']).toBe('*');
  });

  it('to an app that tried the header names the scheme that it takes (RFC 6749 section 5.2)', async () => {
    const authorization = app.basic.slice(0, -4);
    const tried = await app.posts('/auth/o2/token', refreshForm(), { authorization });
    expect([tried.status, tried.headers['www-authenticate']]).toEqual([401, 'Basic realm="latchkey"']);
    const posted = await app.posts('/auth/o2/token', { ...refreshForm(), client_secret: 'x' });
    expect([posted.status, posted.headers['www-authenticate']]).toEqual([401, undefined]);
  });
});

describe('the way back to the app', () => {
  it.each(['a+b/c==', '{"a":[1]} &x=1', '<"\'€>', '%2F%20', 'x'.repeat(4096)])(
    'has the state as it was sent (%#)',
    async (state) => {
      await person.goes(app.asks({ state }));
      expect(person.left?.searchParams.get('state')).toBe(state);
      await person.goes(app.asks({ state, scope: 'bogus' }));
      expect([person.left?.searchParams.get('state'), person.left?.searchParams.get('error')]).toEqual([
        state,
        'invalid_scope',
      ]);
    },
  );

  it('is one address: no other is named beside it', async () => {
    const cookie = person.cookieHeader(world.issuer);
    const { status, headers, text } = await send(app.asks(), { headers: { cookie } });
    expect([status, text]).toEqual([302, '']);
    expect(headers.location).toMatch(
      /^https:\/\/shop\.example\.test\/cb\?code=[\w-]+&state=a\+state&scope=profile$/,
    );
  });

  it('names the scopes in the order they were asked in, since some compare the text', async () => {
    await person.goes(app.asks({ scope: 'alexa:all profile' }));
    await person.decides('allow');
    for (const scope of ['alexa:all profile', 'postal_code profile alexa:all', 'profile alexa:all']) {
      await person.goes(app.asks({ scope }));
      expect(person.left?.searchParams.get('scope')).toBe(scope);
    }
  });

  it('is taken without a page where only who somebody is was not asked for yet', async () => {
    await person.goes(app.asks({ scope: 'profile profile:user_id' }));
    expect(person.left?.searchParams.get('scope')).toBe('profile profile:user_id');
    const fresh = await openCompatApp(world);
    await person.goes(fresh.asks({ scope: 'profile:user_id' }));
    await person.goes(fresh.asks({ scope: 'profile:user_id profile' }));
    expect(person.heading).toContain('Paperplane Shop');
  });

  it('lets the postal code be left out and the profile not, where the app says nothing about it', async () => {
    const fresh = await openCompatApp(world);
    await person.goes(fresh.asks({ scope: 'profile postal_code' }));
    const boxes = person.html.forms.flatMap(({ controls }) =>
      controls.filter(({ name }) => name === 'scope'),
    );
    expect(boxes.map(({ value }) => value)).toEqual(['lwa:postal_code']);
    await person.decides('allow', { scope: [] });
    expect(person.left?.searchParams.get('scope')).toBe('profile');
  });
});

it('a script may send headers of its own making, but no cookies', async () => {
  const asked = { origin: 'https://a.test', 'access-control-request-method': 'POST' };
  for (const path of ['/auth/o2/token', '/auth/o2/token/', '/ap/user/profile']) {
    const { status, headers } = await send(`${world.issuer}${path}`, { method: 'OPTIONS', headers: asked });
    expect([path, status, headers['access-control-allow-origin']]).toEqual([path, 204, '*']);
    expect(headers['access-control-allow-headers']?.split(', ')).toEqual(
      expect.arrayContaining(['authorization', 'content-type', '*']),
    );
    expect(headers['access-control-allow-methods']).toContain('POST');
    expect(headers['access-control-allow-credentials']).toBeUndefined();
  }
});

it('an access token is good for an hour, and then not', async () => {
  const { access_token } = (await app.refreshes(tokens.refresh_token)).json as typeof tokens;
  world.advance(58 * minutes);
  expect((await app.profile(access_token)).status).toBe(200);
  world.advance(3 * minutes);
  expect(await app.profile(access_token)).toMatchObject({ status: 400, json: { error: 'invalid_token' } });
  expect((await app.profile(access_token, '/auth/o2/tokeninfo')).json).toMatchObject({
    error: 'invalid_token',
  });
});

it('a machine gets no scope that its app does not list, also where it lists none', async () => {
  const machine = await openCompatApp(world, { grant_types: ['client_credentials'], redirect_uris: [] });
  const form = { grant_type: 'client_credentials', scope: 'alexa::proactive_events' };
  const headers = { authorization: machine.basic };
  expect((await machine.posts('/auth/o2/token', form, headers)).json).toMatchObject({
    error: 'invalid_scope',
  });
  const listed = await openCompatApp(world, {
    grant_types: ['client_credentials'],
    redirect_uris: [],
    scope: form.scope,
  });
  const answer = await listed.posts('/auth/o2/token', form, { authorization: listed.basic });
  expect(Object.keys(answer.json)).toEqual(['access_token', 'scope', 'token_type', 'expires_in']);
});

it('every host that the libraries have written in them leads here unless an operator names others', () => {
  const { COMPAT_HOSTS } = readSettings({});
  for (const name of ['www', 'eu.account', 'apac.account', 'na.account', 'api', 'api.sandbox'])
    expect(COMPAT_HOSTS).toContain(`${name}.amazon.com`);
  for (const country of ['co.uk', 'de', 'co.jp'])
    for (const name of ['api', 'api.sandbox']) expect(COMPAT_HOSTS).toContain(`${name}.amazon.${country}`);
});
