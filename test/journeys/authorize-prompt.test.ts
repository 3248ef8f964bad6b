import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newTotpSecret } from '../../src/credentials/totp.ts';
import { minutes, seconds } from '../../src/kit/durations.ts';
import type { Person } from '../support/person.ts';
import { arrivalOf, openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { newAddress, send } from '../support/wire.ts';
import { openWorld, type TestAccount, type World } from '../support/world.ts';

let world: World;
let app: RelyingParty;
let account: TestAccount;
let signedIn: Person;
beforeAll(async () => {
  world = await openWorld();
  app = await openRelyingParty(world);
  account = await world.account();
  signedIn = world.person();
  await app.signsIn(signedIn, account);
});
afterAll(() => world.close());

async function asks(query: string): ReturnType<typeof send> {
  const cookie = signedIn.cookieHeader(world.issuer);
  return send(`${world.issuer}/authorize?${query}`, { headers: { cookie, 'x-forwarded-for': newAddress() } });
}

const queryOf = (params: Record<string, string | undefined> = {}) => app.asks(params).url.search.slice(1);

describe('the issuer in answers (AZ-15)', () => {
  it.each([
    ['success', {}],
    ['login_required', { prompt: 'none', max_age: '0' }],
    ['invalid_request', { code_challenge: undefined }],
    ['invalid_scope', { scope: 'openid\nadmin' }],
  ])('stands once and exactly in %s', async (told, params) => {
    const { headers } = await asks(queryOf(params));
    const { searchParams } = new URL(headers.location ?? 'x:');
    expect(searchParams.getAll('iss')).toEqual([world.issuer]);
    expect(searchParams.get('error') ?? 'success').toBe(told);
    expect(searchParams.has('code')).toBe(told === 'success');
  });

  it('is promised in discovery', () => {
    const metadata = app.config.serverMetadata();
    expect(metadata.authorization_response_iss_parameter_supported).toBe(true);
    expect(metadata.issuer).toBe(world.issuer);
  });

  it('stands in a form_post answer too', async () => {
    const { status, text } = await asks(queryOf({ response_mode: 'form_post' }));
    expect(status).toBe(200);
    expect(text).toContain(`name="iss" value="${world.issuer}"`);
  });
});

describe('prompt (AZ-19)', () => {
  const errorFor = async (person: Person, params: Record<string, string>, by = app) => {
    await person.goes(by.asks(params).url);
    return person.left?.searchParams.get('error') ?? person.left?.searchParams.has('code') ?? person.heading;
  };

  it('none never shows a page', async () => {
    const another = await openRelyingParty(world);
    const totpSecret = newTotpSecret();
    const halfway = world.person();
    await halfway.goes(app.asks().url);
    const half = await world.account({ totpSecret });
    await halfway.submits({ identifier: half.identifier, password: half.password });
    expect(halfway.heading).toBe('Two-step verification');
    expect(await errorFor(world.person(), { prompt: 'none' })).toBe('login_required');
    expect(await errorFor(halfway, { prompt: 'none' })).toBe('login_required');
    expect(await errorFor(signedIn, { prompt: 'none' }, another)).toBe('consent_required');
    expect(await errorFor(signedIn, { prompt: 'none' })).toBe(true);
  });

  it('none says nothing of who has an account here', async () => {
    const [known, nobody] = [account.identifier, 'nobody@example.test'];
    for (const login_hint of [known, nobody])
      expect(await errorFor(world.person(), { prompt: 'none', login_hint })).toBe('login_required');
  });

  it.each(['none login', 'none consent', 'bogus', 'login bogus'])('"%s" is refused', async (prompt) => {
    expect(await errorFor(signedIn, { prompt })).toBe('invalid_request');
  });

  it('login asks again, and cancelling leaves the session as it was', async () => {
    const person = world.person();
    await app.signsIn(person, account);
    expect(await errorFor(person, { prompt: 'login' })).toBe('Sign in');
    await person.presses(`Back to ${app.name}`);
    expect(arrivalOf(person).searchParams.get('error')).toBe('access_denied');
    const attempt = app.asks();
    await person.goes(attempt.url);
    expect((await app.receives(person, attempt)).claims()?.sub).toBe(account.accountId);
  });
});

describe('max_age (AZ-21)', () => {
  it('asks again when the sign-in is older, and auth_time is then fresh', async () => {
    const person = world.person();
    await app.signsIn(person, account);
    world.advance(5 * minutes);
    const attempt = app.asks({ max_age: '60' });
    await person.goes(attempt.url);
    expect(person.heading).toBe('Sign in');
    const before = Math.floor(Date.now() / 1000);
    await person.signsIn(account);
    const after = Math.floor(Date.now() / 1000);
    const authTime = Number((await app.receives(person, attempt)).claims()?.auth_time);
    expect(authTime).toBeGreaterThanOrEqual(before);
    expect(authTime).toBeLessThanOrEqual(after);
  });

  it('does not ask when the sign-in is recent enough', async () => {
    const person = world.person();
    await app.signsIn(person, account);
    world.advance(20 * seconds);
    const attempt = app.asks({ max_age: '1000000000' });
    await person.goes(attempt.url);
    expect((await app.receives(person, attempt)).claims()?.auth_time).toBeDefined();
  });

  it('of 0 always asks', async () => {
    const person = world.person();
    await app.signsIn(person, account);
    await person.goes(app.asks({ max_age: '0' }).url);
    expect(person.heading).toBe('Sign in');
  });

  it.each(['-1', 'abc', '1.5', '9007199254740993'])('of %s is refused', async (max_age) => {
    const { headers } = await asks(queryOf({ max_age }));
    expect(new URL(headers.location ?? 'x:').searchParams.get('error')).toBe('invalid_request');
  });
});

describe('what is too much (AZ-23 and AZ-25)', () => {
  it.each<[string, Record<string, string>, string | number | null]>([
    ['25,000 scopes', { scope: `openid ${'a '.repeat(25_000)}` }, 431],
    ['60 kB of scope', { scope: `openid ${'a'.repeat(60_000)}` }, 431],
    ['a line break in scope', { scope: 'openid\nadmin' }, 'invalid_scope'],
    ['a control character in scope', { scope: 'openid \u0001' }, 'invalid_scope'],
    ['a scope that ends in nothing', { scope: 'openid '.repeat(300) }, 'invalid_scope'],
    ['one scope 300 times, which is one', { scope: `openid${' openid'.repeat(300)}` }, null],
    ['a 10 kB hint, which is none', { login_hint: 'x'.repeat(10_000) }, null],
  ])('is refused or left out: %s', async (_, params, told) => {
    const { status, headers } = await asks(queryOf(params));
    if (typeof told === 'number') return expect([status, headers.location]).toEqual([told, undefined]);
    expect(new URL(headers.location ?? 'x:').searchParams.get('error')).toBe(told);
  });

  it.each(['"><img src=x onerror=alert(1)>', '\u202eevil', '../../../etc/passwd', '<%= 7*7 %>'])(
    'is shown as text or not at all: %s',
    async (hint) => {
      const person = world.person();
      await person.goes(app.asks({ login_hint: hint, ui_locales: hint, display: hint }).url);
      expect([person.status, person.heading]).toEqual([200, 'Sign in']);
      expect(person.headers['content-language']).toBe('en');
      for (const raw of ['<img', hint]) expect(person.html.source).not.toContain(raw);
    },
  );
});
