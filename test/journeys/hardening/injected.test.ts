import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setPassword } from '../../../src/credentials/password.ts';
import { signInAddress } from '../../../src/oidc/account-client.ts';
import { arrivalOf, openRelyingParty, type RelyingParty } from '../../support/relying-party.ts';
import { aWhile, carefulAccount, signedInFully } from '../../support/second-steps.ts';
import { newAddress, send } from '../../support/wire.ts';
import { openWorld, type TestAccount, type World } from '../../support/world.ts';

let world: World;
let beside: World;
let app: RelyingParty;
let account: TestAccount;
beforeAll(async () => {
  world = await openWorld({ CHALLENGE_BITS: '0' });
  beside = await openWorld({}, { beside: world });
  app = await openRelyingParty(world, { first_party: true });
  account = await world.account({ email: 'victim@example.com' });
});
afterAll(async () => {
  await beside.close();
  await world.close();
});

describe('what is typed where a name belongs (SI-19)', () => {
  it.each([
    `' OR 1=1--`,
    `' OR '1'='1`,
    `victim@example.com' --`,
    'victim%',
    'victi_@example.com',
    '%@example.com',
    'victim@example.com\\',
    '{"$gt":""}',
    '*',
    '__proto__',
    'victim@example.com,other@example.com',
  ])('%s finds nobody, and looks like a wrong password', async (identifier) => {
    const person = await world.person().goes(app.asks().url);
    await person.submits({ identifier, password: account.password });
    expect([person.left, person.heading]).toEqual([undefined, 'Sign in']);
    const wrong = await world.person().goes(app.asks().url);
    await wrong.submits({ identifier: account.identifier, password: 'a wrong password' });
    expect([person.status, person.alert]).toEqual([wrong.status, wrong.alert]);
  });

  it.each([
    ['a list', 'identifier[]=victim@example.com&password=x', 400],
    ['an object', 'identifier[$gt]=&password[$gt]=', 400],
    ['it twice', 'identifier=a&identifier=b&password=x', 400],
    ['a prototype', '__proto__[identifier]=victim@example.com&password=x', 400],
  ])('is no %s', async (_, body, status) => {
    const person = await world.person().goes(app.asks().url);
    const headers = {
      'content-type': 'application/x-www-form-urlencoded',
      cookie: person.cookieHeader(),
      'x-forwarded-for': newAddress(),
      'sec-fetch-site': 'same-origin',
    };
    expect((await send(`${person.url}/password`, { method: 'POST', body, headers })).status).toBe(status);
  });

  it('is no JSON', async () => {
    const person = await world.person().goes(app.asks().url);
    const headers = {
      'content-type': 'application/json',
      cookie: person.cookieHeader(),
      'x-forwarded-for': newAddress(),
      'sec-fetch-site': 'same-origin',
    };
    const body = JSON.stringify({ identifier: { $gt: '' }, password: { $gt: '' } });
    const answer = await send(`${person.url}/password`, { method: 'POST', body, headers });
    expect(answer.status).toBe(415);
  });
});

describe('where a page leads (SI-21)', () => {
  const elsewhere = [
    '//evil.test',
    '/\\evil.test',
    '/%09/evil.test',
    'https:evil.test',
    'https://evil.test/',
    '///evil.test',
    '/auth/..//evil.test',
    'javascript:alert(1)',
    'data:text/html,evil',
    '@evil.test',
    '\u2044\u2044evil.test',
    'overview@evil.test',
  ];
  const parameters = [
    ...['to', 'about', 'state', 'did', 'next', 'return_to', 'continue', 'redirect', 'method'],
    ...['login_hint', 'ui_locales', 'link', 'why'],
  ];

  it('is a page of ours, whatever stands in an address or in Referer', async () => {
    const careful = await carefulAccount(world);
    const person = await signedInFully(world, careful);
    world.advance(aWhile);
    const pages = [
      '/account',
      '/account/confirm',
      '/account/signed-in',
      '/account/not-me',
      '/account/two-step/off',
    ];
    for (const page of pages)
      for (const [at, evil] of elsewhere.entries()) {
        const query = new URLSearchParams(parameters.map((name) => [name, evil]));
        const answer = await send(`${world.issuer}${page}?${query}`, {
          headers: {
            cookie: person.cookieHeader(),
            referer: encodeURI(`https:${evil}`),
            'x-forwarded-for': newAddress(),
          },
        });
        const { location } = answer.headers;
        if (location !== undefined)
          expect([page, evil, new URL(location, world.issuer).origin]).toEqual([page, evil, world.issuer]);
        const links = [...answer.text.matchAll(/(?:href|action|src)="([^"]*)"/g)].map(([, link]) => link);
        expect([page, at, links.filter((link) => link?.includes('evil'))]).toEqual([page, at, []]);
      }
  });

  it('after a fresh proof and after signing in is a place from our list', async () => {
    const careful = await carefulAccount(world);
    for (const evil of elsewhere.slice(0, 3)) {
      const person = await signedInFully(world, careful);
      world.advance(aWhile);
      await person.goes(`${world.issuer}/account/confirm?${new URLSearchParams({ to: evil, about: evil })}`);
      await person.submits({ code: await world.freshCode(careful.totpSecret) });
      expect([evil, person.path]).toEqual([evil, '/account']);
      await person.goes(`${world.issuer}${signInAddress(world.services, { page: evil, fresh: true })}`);
      await person.submits({ identifier: careful.identifier, password: careful.password });
      await person.submits({ code: await world.freshCode(careful.totpSecret) });
      expect([evil, person.path]).toEqual([evil, '/account']);
    }
  });
});

describe('after signing out (SE-07)', () => {
  it('the old cookie is worth nothing on any server, nor are tokens of the session; nothing private is cached', async () => {
    const person = world.person();
    const tokens = await app.signsIn(person, account);
    await person.goes(`${world.issuer}/account`);
    expect(person.headers['cache-control']).toBe('no-store');
    const cookie = person.cookieHeader();
    expect((await app.userinfo(String(tokens.access_token))).status).toBe(200);
    const asks = async (world: World) => {
      const headers = { cookie, 'x-forwarded-for': newAddress() };
      return await send(`${world.issuer}/account`, { headers, port: world.port });
    };
    expect([(await asks(world)).status, (await asks(beside)).status]).toEqual([200, 200]);
    await person.presses('Sign out');
    for (const server of [world, beside]) {
      const answer = await asks(server);
      expect([answer.status, answer.headers.location]).toEqual([303, expect.stringContaining('/authorize?')]);
    }
    expect((await app.userinfo(String(tokens.access_token))).status).toBe(401);
    await person.goes(app.asks({ prompt: 'none' }).url);
    expect(arrivalOf(person).searchParams.get('error')).toBe('login_required');
  });
});

describe('a password that became known (SI-09)', () => {
  const known = 'password123';
  /** As an import brings it: nobody chose it here, where it would have been refused. */
  async function careless() {
    const account = { ...(await world.account()), password: known };
    await setPassword(world.services, account);
    return account;
  }

  it('asks a browser that nobody knows for a code, then for another password, and signs in with that', async () => {
    const account = await careless();
    const { identifier } = account;
    const thief = await world.person().goes(app.asks().url);
    await thief.submits({ identifier, password: known });
    expect(thief.text).toContain('The password is on lists that attackers try first.');
    expect(thief.heading).toBe('Confirm that it’s you');

    const owner = await world.person().goes(app.asks().url);
    await owner.submits({ identifier, password: known });
    await owner.submits({ code: await world.codeSentTo(identifier) });
    expect(owner.heading).toBe('Choose a new password');
    await owner.submits({ password: known });
    expect([owner.status, owner.alert]).toEqual([400, expect.stringContaining('attackers try first')]);
    // Not signed in yet, nor by going on to somewhere else.
    const page = owner.url.replace('/known-password', '');
    await owner.goes(app.asks({ prompt: 'none' }).url);
    expect(arrivalOf(owner).searchParams.get('error')).toBe('login_required');
    await owner.goes(page);
    await owner.submits({ password: 'nine quiet lanterns more' });
    expect(owner.left).toBeDefined();

    // The sign-in of whoever was half-way with the old one is void.
    await thief.submits({ code: await world.codeSentTo(identifier) });
    expect(thief.left).toBeUndefined();
    const again = await world.person().goes(app.asks().url);
    await again.submits({ identifier, password: known });
    expect(again.heading).toBe('Sign in');
    await again.submits({ identifier, password: 'nine quiet lanterns more' });
    expect(again.left).toBeDefined();
  });

  it('locks nobody out, and is told once', async () => {
    const { identifier } = await careless();
    for (let time = 0; time < 2; time += 1) {
      const person = await world.person().goes(app.asks().url);
      await person.submits({ identifier, password: known });
      expect(person.heading).toBe('Confirm that it’s you');
    }
    const told = (await world.outbox()).filter(({ to, subject }) => {
      return to === identifier && subject === 'Please choose another Latchkey password';
    });
    expect(told.map(({ links }) => links)).toEqual([[`${world.issuer}/account/password`]]);
  });
});
