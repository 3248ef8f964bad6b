import type { IncomingMessage, ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import passport from 'passport';
import OpenIDConnectStrategy from 'passport-openidconnect';
import { registerClient } from '../../../src/actions/register-client.ts';
import { type AppServer, listenForApp, openAppSessions } from '../../support/app-server.ts';
import type { Person } from '../../support/person.ts';
import { openWorld, type TestAccount, type World } from '../../support/world.ts';

/** passport-openidconnect, as its documentation says; it knows neither discovery nor PKCE, so the one is read for it and the other spared. */
let world: World;
let account: TestAccount;
let app: AppServer;
beforeAll(async () => {
  world = await openWorld();
  app = await listenForApp();
  account = await world.account({ profile: { name: 'Ana García', family_name: 'García' } });
  const added = await registerClient(world.services, {
    clientId: 'todos',
    metadata: { client_name: 'Todos', redirect_uris: [`${app.origin}/cb`], require_pkce: false },
  });
  if (!added.ok) throw new Error(JSON.stringify(added));
  await useStrategy({
    issuer: world.issuer,
    origin: app.origin,
    clientID: 'todos',
    clientSecret: String(added.clientSecret),
  });
  serveTodos(app);
});
afterAll(async () => {
  await app?.stop();
  await world?.close();
});

async function useStrategy({
  issuer,
  origin,
  clientID,
  clientSecret,
}: Record<'issuer' | 'origin' | 'clientID' | 'clientSecret', string>) {
  const known = await fetch(`${issuer}/.well-known/openid-configuration`).then((answer) => answer.json());
  const strategy = new OpenIDConnectStrategy(
    {
      issuer: known.issuer,
      authorizationURL: known.authorization_endpoint,
      tokenURL: known.token_endpoint,
      userInfoURL: known.userinfo_endpoint,
      clientID,
      clientSecret,
      callbackURL: `${origin}/cb`,
      scope: ['profile', 'email'],
      nonce: true,
      skipUserProfile: false,
    },
    (signedInAt: string, profile: object, done: (problem: null, user: object) => void) =>
      done(null, { issuer: signedInAt, ...profile }),
  );
  passport.use(strategy);
  passport.serializeUser((user: object, done: (problem: null, kept: object) => void) => done(null, user));
}

/** What express and express-session do for such an app, by hand. */
function serveTodos({ serve, origin }: AppServer): void {
  const sessionOf = openAppSessions();
  serve((request, response) => {
    const url = new URL(request.url ?? '/', origin);
    const session = sessionOf(request, response);
    const redirect = (location: string) => response.writeHead(302, { location }).end();
    Object.assign(request, { query: Object.fromEntries(url.searchParams), session });
    Object.assign(response, { redirect });
    const says = (heading: string, more: unknown) =>
      response.end(`<h1>${heading}</h1><pre>${JSON.stringify(more ?? null)}</pre>`);
    const failed = (problem?: Error) => says('Something broke', problem?.message);
    if (url.pathname === '/login') return authenticate()(request, response, failed);
    if (url.pathname === '/cb')
      return authenticate({ failureRedirect: '/', failureMessage: true, successRedirect: '/' })(
        request,
        response,
        failed,
      );
    const { user } = (session['passport'] ?? {}) as { user?: unknown };
    return user ? says('Your todos', user) : says('Welcome', session['messages']);
  });
}

type Handler = (request: IncomingMessage, response: ServerResponse, next: (problem?: Error) => void) => void;
const authenticate = (options: object = {}): Handler => passport.authenticate('openidconnect', options);
const shown = (person: Person) => JSON.parse(person.html.textOf('pre') ?? '');

describe('an app on Passport', () => {
  it('gets the person with their claims', async () => {
    const person = world.person();
    await person.goes(`${app.origin}/login`);
    expect(person.heading).toBe('Sign in');
    await person.signsIn(account);
    await person.decides('allow');
    expect([person.heading, person.url]).toEqual(['Your todos', `${app.origin}/`]);
    expect(shown(person)).toMatchObject({
      issuer: world.issuer,
      id: expect.stringMatching(/^[\w-]{20,}$/),
      displayName: 'Ana García',
      name: { familyName: 'García' },
      emails: [{ value: account.identifier }],
    });
  });

  it('gets nobody when the person says no, and can go on', async () => {
    const person = world.person();
    await person.goes(`${app.origin}/login`);
    await person.signsIn(await world.account());
    await person.decides('deny');
    expect([person.heading, person.url]).toEqual(['Welcome', `${app.origin}/`]);
    expect(person.text).toContain('the person did not allow it');
  });

  it('refuses an answer that another browser asked for', async () => {
    const person = world.person();
    await person.goes(`${app.origin}/cb?code=a&state=b`);
    expect(person.text).toContain('Unable to verify authorization request state.');
  });
});
