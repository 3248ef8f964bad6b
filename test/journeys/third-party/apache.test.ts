import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { changeClient } from '../../../src/actions/change-client.ts';
import { registerClient } from '../../../src/actions/register-client.ts';
import { type Apache, startApache } from '../../support/apache.ts';
import type { Person } from '../../support/person.ts';
import { recipe } from '../../support/recipes.ts';
import { until } from '../../support/timing.ts';
import { send } from '../../support/wire.ts';
import { openWorld, type TestAccount, type World } from '../../support/world.ts';

/** Debian's mod_auth_openidc, as its package gives it, protects a page. It knows our discovery document and nothing else. */
const clientId = 'apache';
const clientSecret = 'a-secret-that-apache-and-latchkey-share';

let world: World;
let apache: Apache;
let account: TestAccount;
beforeAll(async () => {
  world = await openWorld({ ALLOW_LOOPBACK_FETCH: 'on' });
  apache = await startApache('auth_openidc', protectedBy(world.issuer));
  account = await world.account({ email: 'ana@example.com', profile: { name: 'Ana Garcia' } });
  const added = await registerClient(world.services, {
    clientId,
    clientSecret,
    metadata: {
      client_name: 'Apache',
      subject_type: 'public',
      redirect_uris: [`${apache.origin}/protected/redirect_uri`],
      post_logout_redirect_uris: [`${apache.origin}/goodbye.html`],
      backchannel_logout_uri: `${apache.origin}/protected/redirect_uri?logout=backchannel`,
      initiate_login_uri: `${apache.origin}/protected/redirect_uri`,
      client_uri: `${apache.origin}/protected/`,
    },
  });
  if (!added.ok) throw new Error(JSON.stringify(added));
});
afterAll(async () => {
  await apache?.stop();
  await world?.close();
});

/** The recipe, and what its readers do not need: plain http, and its claims where the page can show them. */
function protectedBy(issuer: string): (origin: string) => string {
  return (origin) =>
    `${recipe('Pages behind Apache: mod_auth_openidc', {
      language: 'apache',
      given: {
        'https://id.example.com': issuer,
        'OIDCClientID paperplane': `OIDCClientID ${clientId}`,
        'the-secret-of-paperplane': clientSecret,
        'https://paperplane.example': origin,
      },
    })}\nOIDCSSLValidateServer Off\nOIDCPassClaimsAs environment\n`;
}

const shows = (person: Person, variable: string) => person.html.textOf('code', { id: variable });

async function signedIn(): Promise<Person> {
  const person = world.person();
  await person.goes(`${apache.origin}/protected/`);
  if (person.heading === 'Sign in') await person.signsIn(account);
  if (person.heading?.startsWith('Allow Apache')) await person.decides('allow');
  expect([person.heading, person.url]).toEqual(['Protected', `${apache.origin}/protected/`]);
  return person;
}

describe('a page that mod_auth_openidc protects', () => {
  it('asks to sign in, asks for consent, and then knows the person', async () => {
    const person = world.person();
    await person.goes(`${apache.origin}/protected/`);
    expect(person.heading).toBe('Sign in');
    await person.signsIn(account);
    expect(person.heading).toBe('Allow Apache to use your Latchkey account?');
    await person.decides('allow');
    expect(person.heading).toBe('Protected');
    expect(shows(person, 'REMOTE_USER')).toBe('ana@example.com');
    expect(shows(person, 'OIDC_CLAIM_sub')).toBe(account.accountId);
    expect(shows(person, 'OIDC_CLAIM_name')).toBe('Ana Garcia');
  });

  it('refreshes its access, and the token before is used up', async () => {
    const person = await signedIn();
    const before = shows(person, 'OIDC_access_token') ?? '';
    const hook = new URLSearchParams({ refresh: `${apache.origin}/protected/`, access_token: before });
    await person.goes(`${apache.origin}/protected/redirect_uri?${hook}`);
    expect(person.url).toBe(`${apache.origin}/protected/`);
    const after = shows(person, 'OIDC_access_token') ?? '';
    expect(after).not.toBe(before);
    const told = await send(`${world.issuer}/userinfo`, { headers: { authorization: `Bearer ${after}` } });
    expect(told.json).toMatchObject({ email: 'ana@example.com' });
  });

  it('signs the person out here and there', async () => {
    const person = await signedIn();
    const query = new URLSearchParams({ logout: `${apache.origin}/goodbye.html` });
    await person.goes(`${apache.origin}/protected/redirect_uri?${query}`);
    expect(person.heading).toBe('Sign out?');
    expect(person.text).toContain('Apache');
    await person.submits({ logout: 'yes' });
    expect([person.heading, person.url]).toEqual(['Goodbye', `${apache.origin}/goodbye.html`]);
    await person.goes(`${apache.origin}/protected/`);
    expect(person.heading).toBe('Sign in');
  });

  it('ends its own session when the person signs out elsewhere (Back-Channel Logout 1.0)', async () => {
    const person = await signedIn();
    await person.goes(`${world.issuer}/logout`);
    await person.submits({ logout: 'yes' });
    // It is told right after; it would otherwise know the person for hours.
    await until(async () => (await person.goes(`${apache.origin}/protected/`)).heading === 'Sign in');
  });

  it('is opened from the account (Third-Party-Initiated Login, OpenID Connect Core section 4)', async () => {
    const person = await signedIn();
    await person.cookies.setCookie('mod_auth_openidc_session=; Max-Age=0; Path=/', apache.origin);
    await person.goes(`${world.issuer}/account/apps`);
    const before = person.history.length;
    await person.follows('Open Apache');
    const way = person.history.slice(before).map(({ url }) => new URL(url).pathname);
    expect(way).toEqual(expect.arrayContaining(['/protected/redirect_uri', '/authorize']));
    expect([person.heading, person.url]).toEqual(['Protected', `${apache.origin}/protected/`]);
    expect(shows(person, 'OIDC_CLAIM_sub')).toBe(account.accountId);
  });

  it('does not let in who says no', async () => {
    const other = await world.account();
    const person = world.person();
    await person.goes(`${apache.origin}/protected/`);
    await person.signsIn(other);
    // Version 2.4.12 answers an error without a status line, which is no HTTP to Node: what it does next says enough.
    await person.decides('deny').catch(() => {});
    expect(person.history.at(-1)).toMatchObject({ status: 303 });
    await person.goes(`${apache.origin}/protected/`);
    expect(person.heading).toBe('Allow Apache to use your Latchkey account?');
  });
});

describe('one that asks by POST and wants its answer in a form', () => {
  let posting: Apache;
  beforeAll(async () => {
    posting = await startApache(
      'auth_openidc',
      (origin) =>
        `${protectedBy(world.issuer)(origin)}OIDCProviderAuthRequestMethod POST\nOIDCResponseMode form_post\n`,
    );
    const changes = {
      redirect_uris: [`${apache.origin}/protected/redirect_uri`, `${posting.origin}/protected/redirect_uri`],
    };
    expect(await changeClient(world.services, { clientId, changes })).toMatchObject({ ok: true });
  });
  afterAll(() => posting?.stop());

  it('gets it, from who signs in now and from who is signed in (OpenID Connect Core section 3.1.2.1)', async () => {
    const person = world.person();
    for (const isAsked of [true, false]) {
      await person.goes(`${posting.origin}/protected/`);
      // Pages that a script sends on at once, which this browser does not run.
      await person.submits();
      if (isAsked) await person.signsIn(account);
      expect([person.url.startsWith(world.issuer), person.html.forms[0]?.action]).toEqual([
        true,
        `${posting.origin}/protected/redirect_uri`,
      ]);
      await person.submits();
      expect([person.heading, shows(person, 'REMOTE_USER')]).toEqual(['Protected', 'ana@example.com']);
      await person.cookies.setCookie('mod_auth_openidc_session=; Max-Age=0; Path=/', posting.origin);
    }
  });
});
