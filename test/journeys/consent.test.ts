import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { listEvents } from '../../src/audit/list.ts';
import { listConsents } from '../../src/consents/consent.ts';
import { listGrants } from '../../src/oidc/grants.ts';
import type { Person } from '../support/person.ts';
import { type Attempt, arrivalOf, openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { send } from '../support/wire.ts';
import { openWorld, type TestAccount, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

const everything = 'openid profile email phone address';
const profile = {
  name: 'Ana García',
  birthdate: '1990-05-17',
  address: { formatted: 'Calle Mayor 12\nMadrid', country: 'Spain' },
};

type Scene = { app: RelyingParty; account: TestAccount; person: Person; attempt: Attempt };

let people = 0;

async function atConsent(params: Record<string, string> = {}, metadata = {}): Promise<Scene> {
  const app = await openRelyingParty(world, metadata);
  people += 1;
  const number = String(100_000 + people);
  const account = await world.account({
    profile,
    phone: `+34600${number}`,
    email: `ana${number}@example.com`,
  });
  const person = world.person();
  const attempt = app.asks({ scope: everything, ...params });
  await person.goes(attempt.url);
  await person.signsIn(account);
  expect(person.heading).toBe(`Allow ${app.name} to use your Latchkey account?`);
  return { app, account, person, attempt };
}

/** Asks again in the same browser, or in another, where the person signs in first. */
async function asksAgain({ app, account }: Scene, person: Person, params: Record<string, string>) {
  const attempt = app.asks(params);
  await person.goes(attempt.url);
  if (!person.left && person.heading === 'Sign in') await person.signsIn(account);
  return attempt;
}

const boxes = (person: Person) =>
  person.html.forms.flatMap(({ controls }) => controls).filter(({ name }) => name === 'scope');
const buttons = (person: Person) =>
  person.html.forms.flatMap((form) => form.buttons).filter(({ name }) => name === 'decision');

describe('the consent page', () => {
  it('says who asks and what would be shared, with the values', async () => {
    const { person, account, app } = await atConsent(
      {},
      { policy_uri: 'https://app.example.test/privacy', logo_uri: 'https://evil.test/pixel.png' },
    );
    for (const shown of [app.name, '1990-05-17', 'Ana García', 'Calle Mayor 12', account.identifier, 'Spain'])
      expect(person.text).toContain(shown);
    expect(person.text).toContain(new URL(app.redirectUri).host);
    expect(person.html.links.map(({ href }) => href)).toContain('https://app.example.test/privacy');
    // Nothing on the page may be fetched from somebody else, who would learn who looks at it.
    expect(person.html.source).not.toMatch(/<img[^>]+src="https?:/);
  });

  it('makes yes and no equally easy, and lets optional scopes be left out', async () => {
    const { person } = await atConsent();
    expect(buttons(person).map(({ value }) => value)).toEqual(['allow', 'deny']);
    expect(boxes(person).map(({ value, checked }) => [value, checked])).toEqual([
      ['email', true],
      ['phone', true],
      ['address', true],
    ]);
  });

  it('gives the app what was left ticked and nothing else', async () => {
    const { person, app, attempt } = await atConsent();
    await person.decides('allow', { scope: ['email'] });
    const tokens = await app.receives(person, attempt);
    expect(tokens.scope).toBe('openid profile email');
    const claims = (await app.userinfo(tokens.access_token)).json;
    expect(claims).toMatchObject({ name: 'Ana García', email_verified: true });
    expect(Object.keys(claims).filter((claim) => /phone|address/.test(claim))).toEqual([]);
  });

  it('cannot be made to give more than was asked, by boxes that were never there', async () => {
    const { person, app, attempt } = await atConsent({ scope: 'openid email' });
    await person.decides('allow', { scope: ['email', 'phone', 'address', 'offline_access', 'admin'] });
    const tokens = await app.receives(person, attempt);
    expect([tokens.scope, tokens.refresh_token]).toEqual(['openid email', undefined]);
  });

  it('is remembered on another browser, and asked again only for what is new (misuse case CO-03)', async () => {
    const scene = await atConsent({ scope: 'openid profile' });
    await scene.person.decides('allow');
    const elsewhere = world.person();
    await asksAgain(scene, elsewhere, { scope: 'openid profile' });
    expect(arrivalOf(elsewhere).searchParams.has('code')).toBe(true);

    const attempt = await asksAgain(scene, elsewhere, { scope: 'openid profile email' });
    expect(boxes(elsewhere).map(({ value }) => value)).toEqual(['email']);
    expect(elsewhere.text).toContain('It already has');
    expect(elsewhere.text).not.toContain('1990-05-17');
    await elsewhere.decides('allow');
    expect((await scene.app.receives(elsewhere, attempt)).scope).toBe('openid profile email');

    const less = await asksAgain(scene, scene.person, { scope: 'openid' });
    expect((await scene.app.receives(scene.person, less)).scope).toBe('openid');
  });

  it('is not asked about what was left out before, and does not give it', async () => {
    const scene = await atConsent({ scope: 'openid email phone' });
    await scene.person.decides('allow', { scope: ['email'] });
    const attempt = await asksAgain(scene, scene.person, { scope: 'openid email phone' });
    expect((await scene.app.receives(scene.person, attempt)).scope).toBe('openid email');
  });

  it('is asked again only for what is new where the app gave back what it had', async () => {
    const scene = await atConsent({ scope: 'openid profile email offline_access' });
    await scene.person.decides('allow', { scope: ['offline_access'] });
    const { refresh_token } = await scene.app.receives(scene.person, scene.attempt);
    await scene.app.posts('revocation', { token: String(refresh_token) });
    expect((await scene.app.refreshes(refresh_token)).status).toBe(400);
    await asksAgain(scene, scene.person, { scope: 'openid profile email phone offline_access' });
    expect(boxes(scene.person).map(({ value }) => value)).toEqual(['phone']);
  });

  it('shows everything again when the app asks for the page, with what was left out unticked', async () => {
    const scene = await atConsent({ scope: 'openid email phone' });
    await scene.person.decides('allow', { scope: ['email'] });
    const attempt = await asksAgain(scene, scene.person, { scope: 'openid email phone', prompt: 'consent' });
    expect(boxes(scene.person).map(({ value, checked }) => [value, checked])).toEqual([
      ['email', true],
      ['phone', false],
    ]);
    await scene.person.decides('allow', { scope: ['phone'] });
    expect((await scene.app.receives(scene.person, attempt)).scope).toBe('openid phone');
  });

  it('gives access for the time when nobody is there only by a box that was left ticked', async () => {
    const shown = await atConsent({ scope: 'openid offline_access' });
    expect(boxes(shown.person).map(({ value }) => value)).toEqual(['offline_access']);
    await shown.person.decides('allow');
    expect((await shown.app.receives(shown.person, shown.attempt)).refresh_token).toBeDefined();

    const unticked = await atConsent({ scope: 'openid offline_access' });
    await unticked.person.decides('allow', { scope: [] });
    expect((await unticked.app.receives(unticked.person, unticked.attempt)).refresh_token).toBeUndefined();
  });

  it('cannot be skipped: the address the engine goes on at leads back to it (CO-01)', async () => {
    const { person, account } = await atConsent();
    const uid = person.path.split('/').at(-1);
    for (let again = 0; again < 2; again += 1) {
      await person.goes(`${world.issuer}/authorize/${uid}`);
      expect(person.left?.searchParams.has('code') ?? false).toBe(false);
    }
    expect(await listConsents(world.services, account.accountId)).toEqual([]);
  });

  it('is over once decided: old addresses answer 410 and decide nothing', async () => {
    const { person } = await atConsent();
    const { url } = person;
    await person.decides('allow');
    for (const form of [undefined, { decision: 'deny' }, { decision: 'allow', scope: 'phone' }]) {
      await person.isSentTo(form ? `${url}/consent` : url, { ...(form ? { form } : {}), from: world.issuer });
      expect([person.status, person.errorCode]).toEqual([410, 'interaction_expired']);
    }
  });

  it('takes no for an answer: the app is told, nothing is kept, and the person stays signed in (CO-07)', async () => {
    const scene = await atConsent();
    const { person, attempt, account } = scene;
    const { url } = person;
    await person.decides('deny');
    const { searchParams } = arrivalOf(person);
    expect(Object.fromEntries(searchParams)).toMatchObject({
      error: 'access_denied',
      state: attempt.state,
      iss: world.issuer,
    });
    expect(searchParams.getAll('iss')).toHaveLength(1);
    await person.isSentTo(`${url}/consent`, { form: { decision: 'deny' }, from: world.issuer });
    expect(person.status).toBe(410);
    expect(await listConsents(world.services, account.accountId)).toEqual([]);
    expect(await listGrants(world.services, account.accountId)).toEqual([]);

    await asksAgain(scene, person, { scope: 'openid' });
    expect(person.heading).toMatch(/^Allow /);
    await person.decides('allow');
    expect(arrivalOf(person).searchParams.has('code')).toBe(true);
  });

  it.each([
    ['no decision', {}],
    ['two decisions', { decision: ['allow', 'deny'] }],
    ['another word', { decision: 'yes' }],
    ['hundreds of scopes', { decision: 'allow', scope: Array.from({ length: 300 }, (_, n) => `s${n}`) }],
  ])('refuses %s', async (_, form) => {
    const { person, account } = await atConsent();
    await person.isSentTo(`${person.url}/consent`, { form, from: world.issuer });
    expect([person.status, person.errorCode]).toEqual([400, 'malformed_request']);
    expect(await listConsents(world.services, account.accountId)).toEqual([]);
  });

  it('is never sent by another site', async () => {
    const { person, account } = await atConsent();
    await person.isSentTo(`${person.url}/consent`, { form: { decision: 'allow' } });
    expect([person.status, person.errorCode]).toEqual([403, 'cross_site']);
    expect(await listConsents(world.services, account.accountId)).toEqual([]);
  });

  it('lets somebody else decide, who signs in first', async () => {
    const { person, app, attempt } = await atConsent();
    const ben = await world.account();
    await person.presses('Not you? Use another account');
    expect(person.heading).toBe('Sign in');
    await person.signsIn(ben);
    expect(person.text).toContain(ben.identifier);
    await person.decides('allow');
    expect((await app.receives(person, attempt)).claims()?.sub).toBe(ben.accountId);
  });

  it('is not shown for the company’s own apps, and those are not listed as decided (CO-09)', async () => {
    const app = await openRelyingParty(world, { first_party: true });
    const account = await world.account();
    const person = world.person();
    const attempt = app.asks({ scope: 'openid email' });
    await person.goes(attempt.url);
    await person.signsIn(account);
    expect((await app.receives(person, attempt)).scope).toBe('openid email');
    expect(await listConsents(world.services, account.accountId)).toEqual([]);
  });

  it('writes down a name from an app as text, whatever it is', async () => {
    const name = `<img src=x onerror="alert(1)"> & 'Söhne'`;
    const app = await openRelyingParty(world, { client_name: name });
    const person = world.person();
    await person.goes(app.asks().url);
    await person.signsIn(await world.account());
    expect(person.heading).toBe(`Allow ${name} to use your Latchkey account?`);
    expect(person.html.source).not.toContain('<img');
  });
});

describe('a decision', () => {
  const press = (person: Person, decision: string) =>
    send(`${person.url}/consent`, {
      body: new URLSearchParams({ decision, scope: 'email' }),
      headers: { cookie: person.cookieHeader(), 'sec-fetch-site': 'same-origin' },
    });

  it('is the first of two clicks, and the page of the second one leads on to where the first one led', async () => {
    const { app, account, person, attempt } = await atConsent({ scope: 'openid email offline_access' });
    const first = await press(person, 'allow');
    expect(first.headers.location).toMatch(/\/authorize\/[\w-]+$/);
    const second = await press(person, 'deny');
    expect(second.headers.location).toBe(new URL(person.url).pathname);
    await person.goes(String(second.headers.location));
    expect((await app.receives(person, attempt)).access_token).toBeTruthy();
    expect(await listConsents(world.services, account.accountId)).toMatchObject([
      { allowed: expect.arrayContaining(['email']) as unknown },
    ]);
    const events = await listEvents(world.services, { accountId: account.accountId, limit: 50 });
    expect(events.filter(({ type }) => /^consent/.test(type)).map(({ type }) => type)).toEqual([
      'consent.given',
    ]);
  });

  it('of no before yes is no, and nothing is kept', async () => {
    const { account, person } = await atConsent();
    await press(person, 'deny');
    const late = await press(person, 'allow');
    await person.goes(String(late.headers.location));
    expect(arrivalOf(person).searchParams.get('error')).toBe('access_denied');
    expect(await listConsents(world.services, account.accountId)).toEqual([]);
    expect(await listGrants(world.services, account.accountId)).toEqual([]);
  });
});
