import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { disableClient } from '../../src/actions/disable-client.ts';
import type { Person } from '../support/person.ts';
import { newAddress, send } from '../support/wire.ts';
import { openWorld, type TestAccount, type World } from '../support/world.ts';
import { type CompatApp, openCompatApp } from './compat-app.ts';

let world: World;
let app: CompatApp;
let person: Person;
let account: TestAccount;
beforeAll(async () => {
  world = await openWorld({ COMPAT_HOSTS: 'www.shop.test, api.shop.test' });
  app = await openCompatApp(world, {
    scope: 'profile profile:user_id postal_code alexa::ask:skills:readwrite',
    scope_titles: { 'alexa::ask:skills:readwrite': 'Change your skills' },
  });
  account = await world.account({
    profile: { name: 'Ada Example', address: { postal_code: '98052', country: 'US' } },
  });
  person = world.person();
});
afterAll(() => world.close());

const raw = (url: string, headers: Record<string, string> = {}) =>
  send(url, { headers: { 'x-forwarded-for': newAddress(), ...headers } });
const locationOf = async (params: Record<string, string | undefined>) =>
  String((await raw(app.asks(params))).headers.location);

describe('the consent page', () => {
  it('shows the very values, and the answer begins with the code and names what was allowed', async () => {
    await person.goes(app.asks({ scope: 'profile postal_code' }));
    await person.submits({ identifier: account.identifier, password: account.password });
    for (const value of ['Ada Example', account.identifier, '98052']) expect(person.text).toContain(value);
    await person.decides('allow');
    expect(person.left?.href).toMatch(
      /^https:\/\/shop\.example\.test\/cb\?code=[\w-]{40,}&state=a\+state&scope=profile\+postal_code$/,
    );
  });

  it('is not shown again, nor for who somebody is, which is no more than the sign-in', async () => {
    await person.goes(app.asks({ scope: 'profile' }));
    expect(person.left?.searchParams.get('scope')).toBe('profile');
    const quiet = await openCompatApp(world);
    await person.goes(quiet.asks({ scope: 'profile:user_id' }));
    expect([...(person.left?.searchParams.keys() ?? [])]).toEqual(['code', 'state', 'scope']);
    expect(person.left?.searchParams.get('scope')).toBe('profile:user_id');
    // It is recorded all the same, so that the person can take it back.
    await person.goes(`${world.issuer}/account/apps`);
    expect(person.text).toContain('Paperplane Shop');
  });

  it('says no in the order that libraries look for, and keeps nothing (CO-07)', async () => {
    const other = await openCompatApp(world);
    await person.goes(other.asks());
    await person.decides('deny');
    expect(person.left?.href).toBe(
      `${other.redirectUri}?error_description=Access+not+permitted.&state=a+state&error=access_denied`,
    );
    await person.goes(other.asks());
    expect(person.heading).toContain('Paperplane Shop');
  });

  it('lets the person leave out what is voluntary, and only that', async () => {
    const scopeData = JSON.stringify({ profile: { essential: false }, postal_code: { essential: true } });
    const other = await openCompatApp(world);
    await person.goes(other.asks({ scope: 'profile postal_code', scope_data: scopeData }));
    const boxes = person.html.forms.flatMap(({ controls }) =>
      controls.filter(({ name }) => name === 'scope'),
    );
    expect(boxes.map(({ value }) => value)).toEqual(['lwa:profile']);
    await person.decides('allow', { scope: [] });
    expect(person.left?.searchParams.get('scope')).toBe('postal_code');
    // What it left out is asked once more only when the app cannot do without.
    await person.goes(
      other.asks({ scope: 'profile', scope_data: JSON.stringify({ profile: { essential: false } }) }),
    );
    expect(person.left?.searchParams.get('scope')).toBe('');
    await person.goes(
      other.asks({ scope: 'profile', scope_data: JSON.stringify({ profile: { essential: true } }) }),
    );
    await person.decides('allow');
    expect(person.left?.searchParams.get('scope')).toBe('profile');
  });

  it('calls the company’s own scopes as the operator named them', async () => {
    await person.goes(app.asks({ scope: 'alexa::ask:skills:readwrite' }));
    expect(person.text).toContain('Change your skills');
    await person.decides('allow');
    expect(person.left?.searchParams.get('scope')).toBe('alexa::ask:skills:readwrite');
  });

  it('cannot be skipped by the address the engine goes on at (CO-01)', async () => {
    const other = await openCompatApp(world);
    await person.goes(other.asks());
    await person.goes(`/authorize/${person.path.split('/')[2]}`);
    expect([person.left, person.heading]).toEqual([undefined, expect.stringContaining('Paperplane Shop')]);
  });
});

describe('a request that is not right', () => {
  const error = (description: string, name: string) =>
    `${app.redirectUri}?error_description=${description}&state=a+state&error=${name}`;

  it.each([
    [{ scope: 'bogus' }, 'An+unknown+scope+was+requested', 'invalid_scope'],
    [{ scope: 'profile alexa:other' }, 'An+unknown+scope+was+requested', 'invalid_scope'],
    [{ scope: undefined }, 'The+request+is+missing+a+required+parameter+%3A+scope', 'invalid_request'],
    [
      { response_type: 'token' },
      'The+authorization+server+does+not+support+this+response+type',
      'unsupported_response_type',
    ],
    [
      { response_type: 'code token' },
      'The+authorization+server+does+not+support+this+response+type',
      'unsupported_response_type',
    ],
    [
      { code_challenge: 'short' },
      'The+request+has+an+invalid+parameter+%3A+code_challenge',
      'invalid_request',
    ],
    [
      { code_challenge_method: 'S512' },
      'The+request+has+an+invalid+parameter+%3A+code_challenge_method',
      'invalid_request',
    ],
    [{ scope_data: '{"profile"' }, 'The+request+has+an+invalid+parameter+%3A+scope_data', 'invalid_request'],
  ])('%j is told to the app (AZ-11, AZ-13)', async (params, description, name) => {
    expect(await locationOf(params as Record<string, string>)).toBe(error(description, name));
  });

  it.each([
    'https://shop.example.test/cb/',
    'https://shop.example.test/CB',
    'https://shop.example.test/cb?x=1',
    'https://shop.example.test/cb#x',
    'http://shop.example.test/cb',
    'https://shop.example.test.evil.test/cb',
    'https://shop.example.test/cb%00',
    'https://ｓhop.example.test/cb',
    'javascript:alert(1)//',
    '',
  ])('%s leads nowhere (AZ-01, AZ-03)', async (uri) => {
    const { status, headers, text } = await raw(app.asks({ redirect_uri: uri }));
    expect([status, headers.location]).toEqual([400, undefined]);
    expect(text).toContain('<meta name="latchkey-error" content="invalid_redirect_uri">');
  });

  it.each(['client_id', 'redirect_uri'])('with %s twice stays here (AZ-09)', async (name) => {
    const { status, headers } = await raw(`${app.asks()}&${name}=x`);
    expect([status, headers.location]).toEqual([400, undefined]);
  });

  it.each(['scope', 'state', 'response_type', 'code_challenge'])(
    'with %s twice goes back to the app (AZ-09)',
    async (name) => {
      const twice = `${app.asks({ code_challenge: 'v'.repeat(43) })}&${name}=x`;
      expect((await raw(twice)).headers.location).toMatch(/[?&]error=invalid_request$/);
    },
  );

  it('of an unknown, a disabled or another kind of app looks the same (AZ-07)', async () => {
    const gone = await openCompatApp(world);
    await disableClient(world.services, { clientId: gone.clientId, reason: 'a test' });
    const standard = await openCompatApp(world, { login_with_amazon: false });
    const texts = await Promise.all(
      [gone.asks(), standard.asks(), app.asks({ client_id: 'nobody' })].map(async (url) => {
        const { status, headers, text } = await raw(url);
        expect([status, headers.location]).toEqual([400, undefined]);
        expect(text).toContain('client_id is of no app that may ask here');
        return /<h1>.*<\/h1>/.exec(text)?.[0];
      }),
    );
    expect(new Set(texts).size).toBe(1);
  });

  it('too large is refused and leaves nothing behind (AZ-23)', async () => {
    const scope = Array.from({ length: 500 }, (_, at) => `a:b${at}`).join(' ');
    expect(await locationOf({ scope })).toMatch(/[?&]error=invalid_scope$/);
    expect(await locationOf({ scope: 'profile\nadmin' })).toMatch(/[?&]error=invalid_scope$/);
    expect(await locationOf({ state: 's'.repeat(5000) })).toMatch(/[?&]error=invalid_request$/);
  });

  it('does not get past by what it does not know (AZ-17, AZ-19)', async () => {
    const url = `${app.asks({ scope: 'profile' })}&prompt=none&request=x&nonce=y&fields=a&response_mode=fragment`;
    await person.goes(url);
    expect(person.left?.href).toMatch(/\/cb\?code=/);
  });

  it('takes values that were not encoded, as one library sends them', async () => {
    await person.goes(
      `${world.issuer}/ap/oa?client_id=${app.clientId}&redirect_uri=${app.redirectUri}&state=s&response_type=code&scope=profile`,
    );
    expect(person.left?.href).toMatch(/\/cb\?code=[\w-]+&state=s&scope=profile$/);
  });

  it('knows no other method than GET (HT-05)', async () => {
    const { status, headers } = await send(`${world.issuer}/ap/oa`, { method: 'DELETE' });
    expect([status, headers.allow]).toEqual([405, 'GET, HEAD']);
  });
});

describe('other hosts', () => {
  const at = (host: string, path: string) =>
    send(`http://${host}${path}`, { port: world.port, headers: { 'x-forwarded-for': newAddress() } });

  it('send people on to the issuer, with what we know and nothing else', async () => {
    const query = new URL(app.asks()).search;
    const { status, headers } = await at(
      'www.shop.test',
      `/ap/oa${query}&evil=1&next=https%3A%2F%2Fevil.test`,
    );
    expect([status, headers.location]).toEqual([302, app.asks()]);
  });

  it('answer programs', async () => {
    const { status, json } = await at('api.shop.test', '/user/profile');
    expect([status, json['error']]).toEqual([400, 'invalid_request']);
    expect((await at('api.shop.test:8443', '/user/profile')).status).toBe(400);
    const { status: token } = await at('www.shop.test', '/auth/O2/tokeninfo?access_token=x');
    expect(token).toBe(400);
  });

  it.each(['/account', '/authorize', '/token', '/.well-known/openid-configuration', '/ap', '/interaction/x'])(
    'have no %s',
    async (path) => {
      expect((await at('www.shop.test', path)).status).toBe(421);
    },
  );

  it('are those that the operator named', async () => {
    for (const host of ['www.evil.test', 'www.amazon.com', 'www.shop.test.evil.test'])
      expect((await at(host, '/ap/oa')).status).toBe(421);
    expect((await at('api.evil.test', '/user/profile')).json).toMatchObject({ error: 'wrong_host' });
  });
});

describe('an app that an operator allows the implicit flow', () => {
  it('is the only one: at the standard endpoint as well a code stays a code', async () => {
    const plain = await openCompatApp(world);
    const url = `${world.issuer}/authorize?${new URLSearchParams({
      client_id: plain.clientId,
      response_type: 'code',
      response_mode: 'fragment',
      redirect_uri: plain.redirectUri,
      scope: 'lwa lwa:profile',
    })}`;
    await person.goes(url);
    await person.decides('allow');
    expect(person.left?.href).toMatch(/[?#]code=/);
    expect(person.left?.href).not.toContain('access_token');
  });

  it('gets its access token in the fragment, and no refresh token', async () => {
    const old = await openCompatApp(world, { allow_implicit: true });
    await person.goes(old.asks({ response_type: 'token' }));
    await person.decides('allow');
    const { left } = person;
    expect(left?.search).toBe('');
    const answer = new URLSearchParams(left?.hash.slice(1));
    expect([...answer.keys()]).toEqual(['access_token', 'token_type', 'expires_in', 'state', 'scope']);
    const { status, json } = await old.profile(String(answer.get('access_token')));
    expect([status, json['name']]).toEqual([200, 'Ada Example']);
    await person.goes(old.asks({ response_type: 'token', scope: 'bogus' }));
    expect(person.left?.hash).toContain('error=invalid_scope');
  });
});
