import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { disableClient } from '../../src/actions/disable-client.ts';
import type { Person } from '../support/person.ts';
import { openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { newAddress, send } from '../support/wire.ts';
import { openWorld, type TestAccount, type World } from '../support/world.ts';

let world: World;
let app: RelyingParty;
let signedIn: Person;
let account: TestAccount;
beforeAll(async () => {
  world = await openWorld();
  app = await openRelyingParty(world, { redirect_uris: ['https://rp.test/cb'] });
  signedIn = world.person();
  account = await world.account();
  await app.signsIn(signedIn, account);
});
afterAll(() => world.close());

/** The query as it stands, so that a test decides about every byte. */
async function asks(query: string): ReturnType<typeof send> {
  const cookie = signedIn.cookieHeader(world.issuer);
  return send(`${world.issuer}/authorize?${query}`, { headers: { cookie, 'x-forwarded-for': newAddress() } });
}

const queryOf = (params: Record<string, string | undefined> = {}) => app.asks(params).url.search.slice(1);
const withRedirect = (written: string) => `${queryOf({ redirect_uri: undefined })}&redirect_uri=${written}`;

async function expectOwnErrorPage(query: string, code: RegExp = /./): Promise<string> {
  const { status, headers, text } = await asks(query);
  expect([status, headers.location]).toEqual([400, undefined]);
  expect(headers['cache-control']).toContain('no-store');
  const [, told = ''] = /<meta name="latchkey-error" content="([^"]*)"/.exec(text) ?? [];
  expect(told).toMatch(code);
  return text;
}

describe('redirect URIs (misuse cases AZ-01 and AZ-03)', () => {
  it('the one that is registered gets the code', async () => {
    const { status, headers } = await asks(withRedirect('https%3A%2F%2Frp.test%2Fcb'));
    expect(status).toBe(303);
    expect(headers.location).toMatch(/^https:\/\/rp\.test\/cb\?code=/);
  });

  it.each([
    'https://rp.test/cb/',
    'https://rp.test/cb/x',
    'https://rp.test/cb/../x',
    'https://rp.test/cb/..%2fx',
    'https://rp.test/cb%2f..%2fx',
    'https://rp.test/cb%252f..%252fx',
    'https://rp.test/cb/..;/x',
    'https://rp.test/CB',
    'https://rp.test/cb?x=1',
    'https://rp.test/cb#x',
    'https://rp.test/cb%00',
    'https://rp.test/cb%20',
    'https://rp.test.evil.test/cb',
    'https://xrp.test/cb',
    'https://rp-test/cb',
    'https://rpXtest/cb',
    'https://rp.test@evil.test/cb',
    'https://evil.test/?https://rp.test/cb',
    'HTTPS://RP.TEST/cb',
    'http://rp.test/cb',
    'https://rp.test:443/cb',
    '//rp.test/cb',
    '\\/rp.test/cb',
    'javascript:alert(1)//',
    'data:text/html,x',
    'https://ｒｐ.test/cb',
    'https://rp。test/cb',
    'https://rp.te\u00adst/cb',
    'https://rp.te\u200dst/cb',
    'https://rp.test⁄cb',
    '',
  ])('%s does not', async (uri) => {
    const text = await expectOwnErrorPage(
      withRedirect(encodeURIComponent(uri)),
      /redirect_uri|invalid_request/,
    );
    // What was sent stands there for developers, as text and nothing else.
    expect(text).not.toMatch(/="[^"]*evil\.test/);
  });

  it.each(['https://rp.test/cb%C0%AF', 'https://rp.test/cb%E0%80%AF', 'https://rp.test/cb%ff', '%ff'])(
    'nor do bytes that are no text: %s',
    async (written) => {
      await expectOwnErrorPage(withRedirect(written));
    },
  );

  it('missing is refused also where only one is registered', async () => {
    await expectOwnErrorPage(queryOf({ redirect_uri: undefined }));
  });

  it('of a native app on loopback take any port, and no other path', async () => {
    const native = await openRelyingParty(world, {
      application_type: 'native',
      redirect_uris: ['http://127.0.0.1/callback'],
      post_logout_redirect_uris: [],
    });
    const asksFor = async (uri: string) =>
      asks(native.asks({ redirect_uri: uri, prompt: 'none' }).url.search.slice(1));
    expect((await asksFor('http://127.0.0.1:51234/callback')).headers.location).toMatch(
      /^http:\/\/127\.0\.0\.1:51234\/callback\?/,
    );
    for (const other of ['http://127.0.0.1:51234/other', 'http://evil.test:51234/callback'])
      expect((await asksFor(other)).status).toBe(400);
  });
});

describe('the app that asks (AZ-07)', () => {
  it.each([
    ['unknown', 'client_id=nobody'],
    ['missing', ''],
    ['empty', 'client_id='],
    ['long and full of markup', `client_id=${encodeURIComponent('<script>alert(1)</script>'.repeat(160))}`],
    ['a list', 'client_id[]=a&client_id[]=b'],
    ['a word that objects know', 'client_id=__proto__'],
    ['another such word', 'client_id=constructor'],
  ])('%s gets a page of ours and no redirect', async (_, clientId) => {
    const rest = new URLSearchParams(queryOf());
    rest.delete('client_id');
    const text = await expectOwnErrorPage(`${clientId}&${rest}`);
    expect(text).not.toContain('<script>alert');
  });

  it('is told the same whether it is unknown or disabled', async () => {
    const stopped = await openRelyingParty(world);
    await disableClient(world.services, { clientId: stopped.clientId, reason: 'a test' });
    const rest = new URLSearchParams(queryOf());
    rest.set('client_id', 'nobody');
    const comparable = (text: string) => text.replace(/nonce="[^"]*"|Reference <code>[^<]*|[\w-]{16,}/g, '');
    const unknown = await expectOwnErrorPage(`${rest}`);
    const disabled = await expectOwnErrorPage(stopped.asks().url.search.slice(1));
    expect(comparable(disabled)).toBe(comparable(unknown));
  });
});

describe('repeated parameters (AZ-09)', () => {
  const all = 'client_id redirect_uri scope state nonce response_type code_challenge code_challenge_method';
  it.each(all.split(' '))('%s given twice is refused', async (name) => {
    const query = new URLSearchParams(queryOf());
    query.append(name, query.get(name) ?? 'x');
    const { status, headers } = await asks(`${query}`);
    const error = new URL(headers.location ?? 'x:', 'https://rp.test').searchParams.get('error');
    expect([status, error]).toEqual(headers.location ? [303, 'invalid_request'] : [400, null]);
    if (name === 'client_id' || name === 'redirect_uri') expect(headers.location).toBeUndefined();
  });

  it.each(['state[]=x', 'scope=openid&scope[]=email', 'scope[a]=b', '__proto__[x]=1', 'a.b=c'])(
    '%s is no way to say more',
    async (more) => {
      const { status, text } = await asks(`${queryOf({ scope: undefined, state: undefined })}&${more}`);
      expect([303, 400]).toContain(status);
      expect(text).not.toContain('[object');
    },
  );
});

describe('response types (AZ-11)', () => {
  it.each([
    'token',
    'id_token',
    'id_token token',
    'code token',
    'code id_token',
    'none',
    ' code',
    'CODE',
    '',
  ])('"%s" is refused', async (type) => {
    const { status, headers } = await asks(queryOf({ response_type: type }));
    expect(status).toBe(303);
    const { searchParams, hash, origin } = new URL(headers.location ?? '');
    expect(origin).toBe('https://rp.test');
    const told = searchParams.get('error') ?? new URLSearchParams(hash.slice(1)).get('error');
    expect(told).toMatch(/unsupported_response_type|invalid_request/);
    expect(headers.location).not.toMatch(/[?&#](code|access_token|id_token)=/);
  });

  it('is told to nobody at an address that is not registered', async () => {
    for (const type of ['token', 'bogus'])
      await expectOwnErrorPage(queryOf({ response_type: type, redirect_uri: 'https://evil.test/' }));
  });

  it('code is the only one that discovery names', async () => {
    expect(app.config.serverMetadata().response_types_supported).toEqual(['code']);
  });
});

describe('PKCE (AZ-13)', () => {
  const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM';
  it.each([
    ['none', { code_challenge: undefined, code_challenge_method: undefined }],
    ['plain', { code_challenge: challenge, code_challenge_method: 'plain' }],
    ['no method', { code_challenge: challenge, code_challenge_method: undefined }],
    ['another method', { code_challenge: challenge, code_challenge_method: 's256' }],
    ['42 letters', { code_challenge: challenge.slice(1) }],
    ['129 letters', { code_challenge: 'a'.repeat(129) }],
    ['letters of plain base64', { code_challenge: `${challenge.slice(0, 40)}+/=` }],
  ])('is demanded of every app: %s is refused', async (_, params) => {
    for (const one of [app, await openRelyingParty(world, { token_endpoint_auth_method: 'none' })]) {
      const { headers, status } = await asks(one.asks(params).url.search.slice(1));
      expect(status).toBe(303);
      expect(new URL(headers.location ?? '').searchParams.get('error')).toBe('invalid_request');
    }
  });

  it('may be left out by an app with a secret that the operator lets do without', async () => {
    const old = await openRelyingParty(world, { require_pkce: false });
    const none = { code_challenge: undefined, code_challenge_method: undefined };
    const { code } = await old.getsCode(signedIn, account, none);
    expect((await old.redeems(code, { verifier: 'a'.repeat(43) })).json).toMatchObject({
      error: 'invalid_grant',
    });
    const again = await old.getsCode(signedIn, account, none);
    const form = { grant_type: 'authorization_code', code: again.code, redirect_uri: old.redirectUri };
    expect((await old.posts('token', form)).json).toHaveProperty('id_token');
    // What it sends of PKCE counts (RFC 9700 section 4.8.2).
    const { code: bound } = await old.getsCode(signedIn, account);
    expect((await old.posts('token', { ...form, code: bound })).json).toMatchObject({
      error: 'invalid_grant',
    });
  });
});
