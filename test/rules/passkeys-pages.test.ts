import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { listPasskeys } from '../../src/credentials/passkeys.ts';
import { waitAfter, waits } from '../../src/limits/waits.ts';
import { signInAddress } from '../../src/oidc/account-client.ts';
import { enrol } from '../support/passkeys.ts';
import type { Person } from '../support/person.ts';
import { SoftwareAuthenticator } from '../support/software-authenticator.ts';
import type { TestServices } from '../support/stores.ts';
import { type Answer, send } from '../support/wire.ts';
import { openWorld, type TestAccount, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

/** What the page's script does: a POST of a form that wants JSON back. */
function fetches(
  person: Person,
  path: string,
  fields: Record<string, string> = {},
  headers: Record<string, string> = {},
): Promise<Answer> {
  const url = new URL(path, world.issuer);
  return send(url, {
    port: world.port,
    body: new URLSearchParams(fields),
    headers: {
      accept: 'application/json',
      cookie: person.cookieHeader(url.href),
      origin: world.issuer,
      'sec-fetch-site': 'same-origin',
      'x-forwarded-for': person.address,
      ...headers,
    },
  });
}

async function atSignIn(): Promise<Person> {
  return world.person().goes(`${world.issuer}/account`);
}

async function signedIn(account: TestAccount): Promise<Person> {
  return (await atSignIn()).signsIn(account);
}

/** An account with a passkey in an authenticator in software. */
async function withPasskey() {
  const account = await world.account();
  const services = world.services as unknown as TestServices;
  const { authenticator, enrolled } = await enrol(services, account.accountId);
  if (!enrolled.ok) throw new Error(enrolled.reason);
  return { account, authenticator, passkey: enrolled.passkey };
}

describe('the sign-in page', () => {
  it('says the same to everybody, known, unknown and with a passkey (misuse cases WA-11, SI-01)', async () => {
    const { account } = await withPasskey();
    const hints = [account.identifier, (await world.account()).identifier, 'nobody@example.com'];
    const seen = [];
    for (const hint of hints) {
      const person = await atSignIn();
      const page = person.html.source.replaceAll(/nonce="[^"]+"|\/interaction\/[\w-]+/g, '');
      const { json, status } = await fetches(person, `${person.path}/passkey/options`, { identifier: hint });
      const { challenge, ...options } = json['options'] as Record<string, unknown>;
      seen.push({ page, status, options, challenge: typeof challenge });
    }
    expect(new Set(seen.map((one) => JSON.stringify(one))).size).toBe(1);
    expect(seen[0]).toMatchObject({ status: 200, options: { allowCredentials: [] } });
  });

  it('offers passkeys in the field of the name', async () => {
    const { html } = await atSignIn();
    expect(html.attribute('input', { name: 'identifier' }, 'autocomplete')).toBe('username webauthn');
  });

  it('lets a passkey in, without a script of ours in between, and another browser not', async () => {
    const { authenticator } = await withPasskey();
    const person = await atSignIn();
    const { json } = await fetches(person, `${person.path}/passkey/options`);
    const response = authenticator.assert(json['options'] as { challenge: string; rpId: string });
    const stranger = await atSignIn();
    const stolen = await fetches(stranger, `${stranger.path}/passkey`, { response });
    expect(stolen.status).toBe(400);
    expect(stolen.text).toContain('took too long, or was used already');
    const taken = await fetches(person, `${person.path}/passkey`, { response });
    expect(taken.status).toBe(303);
    expect(taken.headers.location).toMatch(/\/authorize\//);
  });

  it('lets the owner in by passkey while somebody hammers at the password (misuse case SI-07)', async () => {
    const { account, authenticator } = await withPasskey();
    const { identifier, password } = account;
    for (let guess = 1; guess <= (waits.password.offAfter ?? 0); guess += 1) {
      await (await atSignIn()).submits({ identifier, password: `guess ${guess}` });
      world.advance(waitAfter(waits.password, guess));
    }
    // By now the password is off, the right one too.
    const owner = await atSignIn();
    const { path } = owner;
    await owner.submits({ identifier, password });
    expect([owner.status, owner.heading]).toEqual([400, 'Sign in']);
    const { json } = await fetches(owner, `${path}/passkey/options`);
    const response = authenticator.assert(json['options'] as { challenge: string; rpId: string });
    expect((await fetches(owner, `${path}/passkey`, { response })).status).toBe(303);
    await owner.goes(`${world.issuer}${path.replace('interaction', 'authorize')}`);
    expect(owner.path).toBe('/account');
  });

  it('asks who is to prove it once more, and has a passkey, for that first', async () => {
    const order = async (account: TestAccount) => {
      const person = await signedIn(account);
      const again = signInAddress(world.services, { page: 'overview', fresh: true });
      const { source } = (await person.goes(`${world.issuer}${again}`)).html;
      return source.indexOf('data-passkey=') < source.indexOf('name="password"');
    };
    expect(await order((await withPasskey()).account)).toBe(true);
    expect(await order(await world.account())).toBe(false);
  });

  it('is not asked by another site', async () => {
    const person = await atSignIn();
    const foreign = { origin: 'https://evil.test', 'sec-fetch-site': 'cross-site' };
    for (const path of ['passkey/options', 'passkey'])
      expect((await fetches(person, `${person.path}/${path}`, {}, foreign)).status).toBe(403);
  });

  it.each([
    ['nothing', {}],
    ['something else', { response: 'x' }],
    ['too much', { response: 'x'.repeat(15_000) }],
  ])('answers %s with a sentence', async (_, fields) => {
    const person = await atSignIn();
    const answer = await fetches(person, `${person.path}/passkey`, fields);
    expect(answer.status).toBe(400);
    expect(answer.text).toContain('role="alert"');
  });

  it('sends a script of another step to the page that is', async () => {
    const person = await atSignIn();
    for (const path of ['second-step/options', 'passkey-offer/options'])
      expect((await fetches(person, `${person.path}/${path}`)).status).toBe(409);
    for (const path of ['passkey-offer', 'passkey-offer/decline'])
      expect((await fetches(person, `${person.path}/${path}`)).status).toBe(303);
  });

  it('shows a removed passkey the door, and names it for the password manager', async () => {
    const person = await atSignIn();
    const { json } = await fetches(person, `${person.path}/passkey/options`);
    const gone = new SoftwareAuthenticator({ origin: world.issuer });
    const response = gone.assert(json['options'] as { challenge: string; rpId: string });
    const answer = await fetches(person, `${person.path}/passkey`, { response });
    expect(answer.text).toContain('no longer known here');
    const signals = { unknown: { rpId: 'localhost', credentialId: gone.id } };
    expect(answer.text).toContain(JSON.stringify(signals).replaceAll('"', '&quot;'));
  });
});

describe('the account pages', () => {
  it('list, rename and remove without a script', async () => {
    const { account, passkey } = await withPasskey();
    const person = await signedIn(account);
    await person.goes(`${world.issuer}/account/passkeys`);
    expect(person.html.textsOf('h3')[0]).toContain('Passkey');
    // Where it was made, which is not where this browser is.
    expect(person.html.textsOf('li').join()).toMatch(/Added .* in Firefox on Linux · Not used yet/);
    await person.follows('Rename Passkey');
    await person.submits({ name: '' });
    expect(person.alert).toBe('Enter a name.');
    await person.submits({ name: 'My <laptop>' });
    expect(person.text).toContain('The new name was saved.');
    await person.follows('Remove My <laptop>');
    expect(person.heading).toBe('Remove My <laptop>?');
    await person.presses('Remove');
    expect(person.text).toContain('It was removed');
    expect(await listPasskeys(world.services, account.accountId)).toEqual([]);
    expect((await person.goes(`${world.issuer}/account/passkeys/${passkey.id}/remove`)).status).toBe(404);
  });

  it('know no passkey of somebody else (misuse case WA-13)', async () => {
    const { passkey } = await withPasskey();
    const person = await signedIn(await world.account());
    for (const what of ['rename', 'remove']) {
      await person.goes(`${world.issuer}/account/passkeys/${passkey.id}/${what}`);
      expect(person.status).toBe(404);
      const posted = await fetches(person, `/account/passkeys/${passkey.id}/${what}`, { name: 'x' });
      expect(posted.status).toBe(404);
    }
  });

  it('remove nothing for another site (misuse case WA-13)', async () => {
    const { account, passkey } = await withPasskey();
    const person = await signedIn(account);
    const url = `${world.issuer}/account/passkeys/${passkey.id}/remove`;
    await person.isSentTo(url, { form: {} });
    expect(person.errorCode).toBe('cross_site');
    expect(await listPasskeys(world.services, account.accountId)).toHaveLength(1);
  });

  it('explain themselves to a browser that cannot', async () => {
    const person = await signedIn(await world.account());
    await person.goes(`${world.issuer}/account/passkeys/new`);
    expect(person.text).toContain('This browser has no passkeys, or scripts are switched off');
  });

  it('begin nothing without a fresh proof (misuse case MF-15)', async () => {
    const person = await signedIn(await world.account());
    expect((await fetches(person, '/account/passkeys/new/options')).status).toBe(200);
    world.advance(11 * 60_000);
    const late = await fetches(person, '/account/passkeys/new/options');
    expect([late.status, late.json]).toEqual([303, {}]);
    await person.goes(`${world.issuer}/account/passkeys/new`);
    expect(person.path).toBe('/account/confirm');
    const stranger = await fetches(await atSignIn(), '/account/passkeys/new/options');
    expect(stranger.status).toBe(303);
  });
});

describe('what password managers and browsers ask', () => {
  const well = (name: string) => send(`${world.issuer}/.well-known/${name}`, { port: world.port });

  it('is answered to anybody', async () => {
    const manage = `${world.issuer}/account/passkeys`;
    const endpoints = await well('passkey-endpoints');
    expect([endpoints.status, endpoints.json]).toEqual([200, { enroll: `${manage}/new`, manage }]);
    expect(endpoints.headers['content-type']).toMatch(/^application\/json/);
    expect((await well('webauthn')).json).toEqual({ origins: [world.issuer] });
  });
});
