import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Person } from '../../support/person.ts';
import { openRelyingParty, type RelyingParty } from '../../support/relying-party.ts';
import { openWorld, type TestAccount, type World } from '../../support/world.ts';

/** What the plan "RP-Initiated Logout" looks at, by the names of its modules. */
let world: World;
let app: RelyingParty;
let account: TestAccount;
beforeAll(async () => {
  world = await openWorld();
  app = await openRelyingParty(world);
  account = await world.account();
});
afterAll(() => world.close());

const goodbye = () => app.redirectUri.replace('/callback', '/goodbye');

async function signedIn(): Promise<{ person: Person; hint: string }> {
  const person = world.person();
  const { id_token } = await app.signsIn(person, account);
  return { person, hint: String(id_token) };
}

async function asksToSignOut(person: Person, params: Record<string, string>): Promise<Person> {
  const url = new URL(app.endpoint('end_session'));
  url.search = new URLSearchParams(params).toString();
  return person.goes(url);
}

const isStillIn = async (person: Person) => {
  await person.goes(app.asks({ prompt: 'none' }).url);
  return person.left?.searchParams.has('code') ?? false;
};

describe('signing out at an app\u2019s request', () => {
  it.each([
    [
      '',
      ({ hint }: { hint: string }) => ({
        id_token_hint: hint,
        post_logout_redirect_uri: goodbye(),
        state: 'a b',
      }),
      'a b',
    ],
    [
      '-no-state',
      ({ hint }: { hint: string }) => ({ id_token_hint: hint, post_logout_redirect_uri: goodbye() }),
      null,
    ],
    [
      'with client_id',
      () => ({ client_id: app.clientId, post_logout_redirect_uri: goodbye(), state: 'x' }),
      'x',
    ],
    [
      'with hints',
      ({ hint }: { hint: string }) => ({
        id_token_hint: hint,
        client_id: app.clientId,
        logout_hint: 'somebody',
        ui_locales: 'de en',
        post_logout_redirect_uri: goodbye(),
      }),
      null,
    ],
  ])('oidcc-rp-initiated-logout %s goes back to the app', async (_, paramsOf, state) => {
    const { person, hint } = await signedIn();
    world.advance(2 * 3600 * 1000);
    await asksToSignOut(person, paramsOf({ hint }));
    expect(person.heading).toMatch(/Sign out\?|Abmelden\?/);
    await person.submits({ logout: 'yes' });
    expect(person.left && `${person.left.origin}${person.left.pathname}`).toBe(goodbye());
    expect(person.left?.searchParams.get('state')).toBe(state);
    expect(await isStillIn(person)).toBe(false);
  });

  it.each([
    ['-no-params', () => ({})],
    ['-no-post-logout-redirect-uri', ({ hint }: { hint: string }) => ({ id_token_hint: hint, state: 'x' })],
    ['-only-state', () => ({ state: 'x' })],
    ['-no-id-token-hint', () => ({ post_logout_redirect_uri: goodbye(), state: 'x' })],
  ])('oidcc-rp-initiated-logout%s ends on a page of ours', async (_, paramsOf) => {
    const { person, hint } = await signedIn();
    await asksToSignOut(person, paramsOf({ hint }));
    await person.submits({ logout: 'yes' });
    expect([person.left, person.heading]).toEqual([undefined, 'You are signed out']);
    expect(await isStillIn(person)).toBe(false);
  });

  it.each([
    [
      '-bad-post-logout-redirect-uri',
      ({ hint }: { hint: string }) => ({
        id_token_hint: hint,
        post_logout_redirect_uri: 'https://evil.test/',
      }),
    ],
    [
      '-query-added-to-post-logout-redirect-uri',
      ({ hint }: { hint: string }) => ({ id_token_hint: hint, post_logout_redirect_uri: `${goodbye()}?x=y` }),
    ],
    [
      '-modified-id-token-hint',
      ({ hint }: { hint: string }) => ({
        id_token_hint: `${hint.slice(0, -12)}AAAAAAAAAAAA`,
        post_logout_redirect_uri: goodbye(),
      }),
    ],
    ['-bad-id-token-hint', () => ({ id_token_hint: 'bad', post_logout_redirect_uri: goodbye() })],
    [
      'with another client_id',
      ({ hint }: { hint: string }) => ({
        id_token_hint: hint,
        client_id: 'other',
        post_logout_redirect_uri: goodbye(),
      }),
    ],
  ])(
    'oidcc-rp-initiated-logout%s is refused on a page of ours, and nobody is signed out',
    async (_, paramsOf) => {
      const { person, hint } = await signedIn();
      await asksToSignOut(person, paramsOf({ hint }));
      expect([person.left, person.status, person.errorCode]).toEqual([
        undefined,
        400,
        expect.stringMatching(/^invalid_/),
      ]);
      expect(await isStillIn(person)).toBe(true);
    },
  );

  it('is asked by POST as well, in the language of the request', async () => {
    const { person, hint } = await signedIn();
    const form = { id_token_hint: hint, post_logout_redirect_uri: goodbye(), ui_locales: 'es' };
    await person.isSentTo(app.endpoint('end_session'), { form, from: world.issuer });
    expect(person.heading).toBe('¿Cerrar sesión?');
  });

  it('goes on at once when nobody is signed in, and never elsewhere', async () => {
    const { hint } = await signedIn();
    const stranger = world.person();
    await asksToSignOut(stranger, { id_token_hint: hint, post_logout_redirect_uri: goodbye(), state: 'q&r' });
    expect(stranger.left?.href).toBe(`${goodbye()}?state=q%26r`);
    await asksToSignOut(stranger, {});
    expect(stranger.heading).toBe('You are signed out');
    await asksToSignOut(stranger, { id_token_hint: hint, post_logout_redirect_uri: 'https://evil.test/' });
    expect([stranger.left, stranger.status]).toEqual([undefined, 400]);
    await asksToSignOut(stranger, { post_logout_redirect_uri: 'https://evil.test/' });
    expect([stranger.left, stranger.heading]).toEqual([undefined, 'You are signed out']);
  });
});
