import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { days, hours, seconds } from '../../src/kit/durations.ts';
import { listSessions } from '../../src/oidc/sessions.ts';
import type { Person } from '../support/person.ts';
import { arrivalOf, openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { newAddress, send } from '../support/wire.ts';
import { openWorld, type TestAccount, type World } from '../support/world.ts';

let world: World;
let app: RelyingParty;
let account: TestAccount;
beforeAll(async () => {
  world = await openWorld();
  app = await openRelyingParty(world, { first_party: true });
  account = await world.account();
});
afterAll(() => world.close());

const sessionOf = (person: Person) =>
  person.cookieHeader(`${world.issuer}/account`).match(/(?:^|; )latchkey-session=([^;]*)/)?.[1] ?? '';

async function signedIn(who = account): Promise<Person> {
  const person = world.person();
  await app.signsIn(person, who);
  return person;
}

async function isSignedIn(person: Person): Promise<boolean> {
  await person.goes(app.asks({ prompt: 'none' }).url);
  return arrivalOf(person).searchParams.has('code');
}

async function plant(cookies: string, person: Person): Promise<void> {
  for (const pair of cookies.split('; ').filter(Boolean)) await person.cookies.setCookie(pair, world.issuer);
}

describe('a planted cookie (misuse case SE-01)', () => {
  it('is not the session that signing in makes', async () => {
    const other = await signedIn(await world.account());
    const [uid] = await listSessions(world.services, account.accountId);
    const plants = [
      `latchkey-session=${sessionOf(other).split('.')[0]}`,
      `latchkey-session=${uid?.uid}`,
      `latchkey-session=${'a'.repeat(43)}`,
    ];
    for (const planted of plants) {
      const victim = world.person();
      await plant(planted, victim);
      await app.signsIn(victim, account);
      expect(`latchkey-session=${sessionOf(victim)}`).not.toBe(planted);
    }
    expect(await isSignedIn(other)).toBe(true);
  });

  it('of the attacker’s own, signed and alive, does not become the victim’s', async () => {
    const attacker = await signedIn(await world.account());
    const planted = attacker.cookieHeader(`${world.issuer}/account`);
    const victim = world.person();
    await plant(planted, victim);
    await app.signsIn(victim, account, { prompt: 'login' });
    expect(sessionOf(victim)).not.toBe(sessionOf(attacker));
    await victim.goes(`${world.issuer}/account`);
    expect(victim.text).toContain(account.identifier);
    await attacker.goes(`${world.issuer}/account`);
    expect(attacker.text).not.toContain(account.identifier);
  });

  it('that was there before signing in is worth nothing after', async () => {
    const person = world.person();
    await person.goes(app.asks().url);
    const before = person.cookieHeader(`${world.issuer}/account`);
    await person.signsIn(account);
    const attacker = world.person();
    await plant(before, attacker);
    expect(await isSignedIn(attacker)).toBe(false);
  });

  it('changes when somebody signs in again', async () => {
    const person = await signedIn();
    const before = person.cookieHeader(`${world.issuer}/account`);
    world.advance(2 * seconds);
    await person.goes(app.asks({ prompt: 'login' }).url);
    await person.signsIn(account);
    expect(before).not.toContain(sessionOf(person));
    const thief = world.person();
    await plant(before, thief);
    expect(await isSignedIn(thief)).toBe(false);
  });
});

/** The documented inventory: the session, one cookie for each interaction under way, and their signatures. */
// docs/security.md lists them.
const inventory =
  /^(((latchkey-)?session|interaction\.[\w-]{43})(\.sig)?|known-browser|(latchkey-)?accounts(-now)?|device\.[\w-]{8})$/;

describe('cookies (SE-03)', () => {
  it('are those we document, opaque, not readable by scripts, and not for other sites', async () => {
    const person = await signedIn();
    await person.goes(`${world.issuer}/account`);
    await person.presses('Sign out');
    expect(person.setCookies.length).toBeGreaterThan(4);
    for (const line of person.setCookies) expectSound(line, { prefix: '', secure: false });
  });

  it('have the __Host- prefix and Secure wherever the issuer is https', async () => {
    const secure = await openWorld({
      ISSUER: 'https://login.example.test',
      SMTP_URL: 'smtp://127.0.0.1:9',
      COOKIE_KEYS: 'k'.repeat(43),
    });
    try {
      const who = await secure.account();
      const person = secure.person();
      await person.goes('https://login.example.test/account');
      await person.signsIn(who);
      expect(person.path).toBe('/account');
      expect(person.headers['strict-transport-security']).toMatch(/max-age/);
      expect(person.setCookies.length).toBeGreaterThan(3);
      for (const line of person.setCookies) expectSound(line, { prefix: '__Host-', secure: true });
    } finally {
      await secure.close();
    }
  });

  it('do not pile up when a page opens sign-ins in a loop', async () => {
    const person = world.person();
    for (let one = 0; one < 25; one += 1) await person.goes(app.asks().url);
    expect(person.cookieHeader(`${world.issuer}/`).length).toBeLessThan(4096);
    expect(person.heading).toBe('Sign in');
    await person.signsIn(account);
    expect(person.left).toBeDefined();
  });
});

function expectSound(line: string, { prefix, secure }: { prefix: string; secure: boolean }): void {
  const [pair = '', ...attributes] = line.split(/;\s*/);
  const [name = '', value = ''] = pair.split('=');
  const words = attributes.map((word) => word.toLowerCase());
  expect(name.startsWith(prefix)).toBe(true);
  expect(name.slice(prefix.length)).toMatch(inventory);
  expect(words).toContain('httponly');
  expect(words).toContain('samesite=lax');
  expect(words).toContain('path=/');
  expect(words.includes('secure')).toBe(secure);
  expect(words.some((word) => word.startsWith('domain'))).toBe(false);
  expect(line.length).toBeLessThan(4096);
  expect(value).toMatch(/^[\w-]*(\.[\w-]+){0,2}$/);
}

describe('signing out at an app’s wish (SE-05)', () => {
  it.each<[string, (person: Person) => Promise<unknown>]>([
    ['a link on another site', (person) => person.isSentTo(`${world.issuer}/logout`)],
    [
      'a link with the app’s id',
      (person) => person.isSentTo(`${world.issuer}/logout?client_id=${app.clientId}`),
    ],
    [
      'a form of another site',
      (person) => person.isSentTo(`${world.issuer}/logout/confirm`, { form: { logout: 'yes' } }),
    ],
    [
      'a form with a guessed token',
      (person) =>
        person.isSentTo(`${world.issuer}/logout/confirm`, { form: { logout: 'yes', xsrf: 'guess' } }),
    ],
  ])('is not done by %s', async (_, attack) => {
    const person = await signedIn();
    await attack(person);
    expect(person.html.forms.length === 0 || person.heading === 'Sign out?').toBe(true);
    expect(await isSignedIn(person)).toBe(true);
  });

  it('is done when the person says yes, and takes them back to the app', async () => {
    const person = world.person();
    const { id_token, access_token } = await app.signsIn(person, account);
    const back = `https://${new URL(app.redirectUri).host}/goodbye`;
    const query = new URLSearchParams({
      id_token_hint: String(id_token),
      post_logout_redirect_uri: back,
      state: 's1',
    });
    await person.goes(`${world.issuer}/logout?${query}`);
    expect(person.text).toContain(account.identifier);
    expect(person.text).toContain(app.name);
    const before = person.cookieHeader(`${world.issuer}/account`);
    await person.submits({ logout: 'yes' });
    expect(person.left?.href).toBe(`${back}?state=s1`);
    expect(await isSignedIn(person)).toBe(false);
    expect((await app.userinfo(access_token)).status).toBe(401);
    const thief = world.person();
    await plant(before, thief);
    expect(await isSignedIn(thief)).toBe(false);
  });

  it('is not done when the person says no', async () => {
    const person = await signedIn();
    await person.goes(`${world.issuer}/logout`);
    await person.presses('Stay signed in');
    expect(await isSignedIn(person)).toBe(true);
  });

  it('goes back to no address that is not registered', async () => {
    const person = await signedIn();
    for (const uri of ['https://evil.test/', '//evil.test', 'javascript:alert(1)']) {
      const query = new URLSearchParams({ client_id: app.clientId, post_logout_redirect_uri: uri });
      await person.goes(`${world.issuer}/logout?${query}`);
      expect([person.left, person.status]).toEqual([undefined, 400]);
    }
  });
});

describe('how long a session lasts (SE-09)', () => {
  it('two weeks without use when it is kept, a day when it goes with the browser, and three months at most', async () => {
    const own = await openWorld();
    try {
      const partner = await openRelyingParty(own, { first_party: true });
      const who = await own.account();
      const signsIn = async (remember: boolean) => {
        const person = own.person();
        await person.goes(partner.asks().url);
        await person.submits({ ...fieldsOf(who), ...(remember ? { remember: 'on' } : {}) });
        // Without an end a browser forgets a cookie when it is closed (RFC 6265 section 5.3).
        const lasting = person.setCookies.filter((cookie) =>
          /session.*expires=(?!Thu, 01 Jan 1970)/.test(cookie),
        );
        expect(lasting).toHaveLength(remember ? 2 : 0);
        return person;
      };
      const lives = async (person: Person) => {
        await person.goes(partner.asks({ prompt: 'none' }).url);
        return arrivalOf(person).searchParams.has('code');
      };
      const [kept, unused, transient] = [await signsIn(true), await signsIn(true), await signsIn(false)];
      own.advance(1 * days + 1 * hours);
      expect([await lives(kept), await lives(transient)]).toEqual([true, false]);
      own.advance(13 * days + 1 * hours);
      expect([await lives(kept), await lives(unused)]).toEqual([true, false]);
      for (let day = 14; day < 84; day += 10) {
        own.advance(10 * days);
        expect([day, await lives(kept)]).toEqual([day, true]);
      }
      own.advance(7 * days);
      expect(await lives(kept)).toBe(false);
    } finally {
      await own.close();
    }
  });
});

describe('one kind of secret in the place of another (SE-17)', () => {
  it('is refused: the session as a token, tokens as the session', async () => {
    const person = world.person();
    const { access_token, id_token } = await app.signsIn(person, account);
    const session = sessionOf(person);
    expect((await app.userinfo(session)).status).toBe(401);
    for (const value of [access_token, String(id_token)]) {
      const headers = { cookie: `latchkey-session=${value}`, 'x-forwarded-for': newAddress() };
      const answer = await send(`${world.issuer}/account`, { headers });
      expect(answer.headers.location).toMatch(/^\/authorize/);
    }
  });
});

function fieldsOf({ identifier, password }: TestAccount) {
  return { identifier, password };
}
