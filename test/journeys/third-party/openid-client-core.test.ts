import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as client from 'openid-client';
import { registerClient } from '../../../src/actions/register-client.ts';
import { retireKey } from '../../../src/actions/retire-key.ts';
import { rotateKeys } from '../../../src/actions/rotate-keys.ts';
import { minutes } from '../../../src/kit/durations.ts';
import type { Person } from '../../support/person.ts';
import { answerEverything, arrivalOf } from '../../support/relying-party.ts';
import { headerOf } from '../../support/signatures.ts';
import { send } from '../../support/wire.ts';
import { openWorld, type TestAccount, type World } from '../../support/world.ts';
import { claimsOfScope, wholePerson } from '../conformance/whole-person.ts';

/** What OpenID Connect Core lets an app ask for, asked for and checked by openid-client as it is published. */
const redirectUri = 'https://core.example.test/callback';
let world: World;
let account: TestAccount;
let config: client.Configuration;
beforeAll(async () => {
  world = await openWorld({ DYNAMIC_REGISTRATION: 'open' });
  account = await wholePerson(world);
  config = await registered('core', {});
});
afterAll(() => world.close());

async function registered(clientId: string, metadata: Partial<client.ClientMetadata>) {
  const added = await registerClient(world.services, {
    clientId,
    metadata: { client_name: clientId, redirect_uris: [redirectUri], ...metadata },
  });
  if (!added.ok) throw new Error(JSON.stringify(added));
  const auth = client.ClientSecretBasic(added.clientSecret);
  return client.discovery(new URL(world.issuer), clientId, metadata, auth, {
    execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks],
  });
}

type Params = Record<string, string>;
type Checks = client.AuthorizationCodeGrantChecks;

async function asks(params: Params, by = config) {
  const checks = {
    pkceCodeVerifier: client.randomPKCECodeVerifier(),
    expectedState: client.randomState(),
    expectedNonce: client.randomNonce(),
    idTokenExpected: true,
  };
  const url = client.buildAuthorizationUrl(by, {
    redirect_uri: redirectUri,
    scope: 'openid',
    code_challenge: await client.calculatePKCECodeChallenge(checks.pkceCodeVerifier),
    code_challenge_method: 'S256',
    state: checks.expectedState,
    nonce: checks.expectedNonce,
    ...params,
  });
  return { url, checks };
}

async function signsIn(params: Params = {}, by = config, person = world.person(), more: Checks = {}) {
  const { url, checks } = await asks(params, by);
  await person.goes(url);
  await answerEverything(world, person, account);
  const tokens = await client.authorizationCodeGrant(by, arrivalOf(person), { ...checks, ...more });
  return { person, tokens, claims: tokens.claims() as client.IDToken };
}

/** As the library tells it. */
async function errorOf(params: Params, person: Person, by = config): Promise<unknown> {
  const { url, checks } = await asks(params, by);
  await person.goes(url);
  const refused = client.authorizationCodeGrant(by, arrivalOf(person), checks);
  return refused.then(
    () => 'none',
    ({ error }) => error,
  );
}

describe('an app on openid-client reads', () => {
  it('every standard claim, by scopes', async () => {
    const { tokens, claims } = await signsIn({ scope: 'openid profile email phone address' });
    const told = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
    const names = ['sub', ...Object.values(claimsOfScope).join(' ').split(' ')];
    expect(Object.keys(told).sort()).toEqual(names.sort());
    expect(told).toMatchObject({
      address: { street_address: '12 St James Square', postal_code: 'SW1Y 4JH', country: 'GB' },
      phone_number: '+491701234567',
      phone_number_verified: true,
      birthdate: '1815-12-10',
    });
  });

  it('single claims, by name and where it wants them', async () => {
    const claims = { id_token: { email: { essential: true } }, userinfo: { birthdate: null, address: null } };
    const got = await signsIn({ claims: JSON.stringify(claims) });
    expect(got.claims).toMatchObject({ email: 'ada@example.test' });
    const told = await client.fetchUserInfo(config, got.tokens.access_token, got.claims.sub);
    expect(Object.keys(told).sort()).toEqual(['address', 'birthdate', 'sub']);
  });

  it.each(['RS256', 'PS256', 'ES256', 'EdDSA'] as const)(
    'what is signed with %s, before and after new keys took over at once',
    async (alg) => {
      const metadata = { id_token_signed_response_alg: alg, userinfo_signed_response_alg: alg };
      const app = await registered(`signed-${alg}`, metadata);
      const before = await signsIn({ scope: 'openid email' }, app);
      const told = await client.fetchUserInfo(app, before.tokens.access_token, before.claims.sub);
      expect(told).toMatchObject({ email: 'ada@example.test' });
      const { kid } = headerOf(String(before.tokens.id_token));
      const rotated = await rotateKeys(world.services, { atOnce: true });
      expect(await retireKey(world.services, { kid })).toMatchObject({ ok: true });
      while (JSON.stringify((await send(`${world.issuer}/jwks`)).json).includes(kid)) await sleep(20);
      // The library asks for the keys again when it meets a new one, once a minute.
      world.advance(1 * minutes);
      const after = await signsIn({}, app);
      expect(rotated.kids).toContain(headerOf(String(after.tokens.id_token)).kid);
    },
  );
});

describe('an app on openid-client asks', () => {
  it('for a fresh sign-in, and checks how old it is', async () => {
    const { person, claims } = await signsIn({}, config, undefined, { maxAge: 60 });
    world.advance(5 * minutes);
    const stale = signsIn({}, config, person, { maxAge: 60 });
    await expect(stale).rejects.toThrow();
    for (const params of [{ max_age: '60' }, { max_age: '0' }, { prompt: 'login' }]) {
      const again = await signsIn(params as Params, config, person, { maxAge: 60 });
      expect(again.claims.sub).toBe(claims.sub);
      expect(Number(again.claims.auth_time)).toBeGreaterThan(Number(claims.auth_time));
    }
  });

  it('for nobody to be asked (prompt=none), about somebody it knows (id_token_hint)', async () => {
    const { person, tokens } = await signsIn();
    const hinted = { prompt: 'none', id_token_hint: String(tokens.id_token) };
    expect(await errorOf(hinted, person)).toBe('none');
    expect(await errorOf(hinted, world.person())).toBe('login_required');
    expect(await errorOf({ prompt: 'none', max_age: '0' }, person)).toBe('login_required');
    expect(await errorOf({ prompt: 'none', acr_values: 'phr' }, person)).toBe('login_required');
    const another = await registered('another', {});
    expect(await errorOf({ prompt: 'none' }, person, another)).toBe('consent_required');
  });

  it('for a level, the consent page, the account chooser, the sign-up, a language and an address typed in advance', async () => {
    const { person, claims } = await signsIn({ acr_values: 'phr urn:latchkey:acr:1fa' });
    expect(claims['acr']).toBe('urn:latchkey:acr:1fa');
    const seen = async (params: Params, who = person) => (await who.goes((await asks(params)).url)).heading;
    expect(await seen({ prompt: 'consent' })).toBe('Allow core to use your Latchkey account?');
    expect(await seen({ prompt: 'select_account' })).toBe('Choose an account');
    const hint = { login_hint: 'new@example.test' };
    const typed = (who: Person) =>
      who.html.forms.flatMap(({ controls }) => controls).find(({ name }) => name === 'identifier')?.value;
    const stranger = world.person();
    expect(await seen({ prompt: 'create', ...hint }, stranger)).toBe('Create your account');
    expect(typed(stranger)).toBe(hint.login_hint);
    expect(await seen({ ...hint, ui_locales: 'zh-Hant fr-CA en' }, stranger)).toBe('Se connecter');
    expect(typed(stranger)).toBe(hint.login_hint);
  });

  it('for its answer in a form, and takes it out of the request', async () => {
    const { url, checks } = await asks({ response_mode: 'form_post' });
    const person = await world.person().goes(url);
    await answerEverything(world, person, account);
    const [form] = person.html.forms;
    const body = new URLSearchParams(form?.controls.map(({ name, value }) => [name, value]));
    const request = new Request(String(form?.action), { method: 'POST', body });
    const tokens = await client.authorizationCodeGrant(config, request, checks);
    expect(tokens.claims()).toMatchObject({ iss: world.issuer, aud: 'core' });
  });

  it('by an address with a query of its own, which comes back letter by letter, from signing in and from signing out', async () => {
    const query = '?x=a%20b&flag&y=%7e%2F&z=%C3%A9';
    const [callback, goodbye] = [redirectUri + query, `https://core.example.test/bye${query}`];
    const metadata = { redirect_uris: [redirectUri, callback], post_logout_redirect_uris: [goodbye] };
    const app = await registered('queried', metadata);
    const { person, tokens } = await signsIn({}, app);
    const { url, checks } = await asks({ redirect_uri: callback }, app);
    await person.goes(url);
    expect(arrivalOf(person).href.startsWith(`${callback}&code=`)).toBe(true);
    expect(arrivalOf(person).searchParams.get('state')).toBe(checks.expectedState);
    const end = client.buildEndSessionUrl(app, {
      post_logout_redirect_uri: goodbye,
      id_token_hint: String(tokens.id_token),
      state: 'a&b \u00e9',
    });
    for (const asked of [true, false]) {
      await person.goes(end);
      if (asked) await person.submits({ logout: 'yes' });
      expect(arrivalOf(person).href).toBe(`${goodbye}&state=a%26b+%C3%A9`);
    }
  });
});

it('registers itself on openid-client, and signs people in by names of its own', async () => {
  const app = await client.dynamicClientRegistration(
    new URL(world.issuer),
    { redirect_uris: [redirectUri], id_token_signed_response_alg: 'ES256' },
    undefined,
    { execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks] },
  );
  const [one, core] = [await signsIn({}, app), await signsIn()];
  expect(app.clientMetadata()).toMatchObject({ subject_type: 'pairwise' });
  expect(new Set([one.claims.sub, core.claims.sub, account.accountId]).size).toBe(3);
});
