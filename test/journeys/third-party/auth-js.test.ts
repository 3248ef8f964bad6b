import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { Auth } from '@auth/core';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { registerClient } from '../../../src/actions/register-client.ts';
import { type AppServer, listenForApp } from '../../support/app-server.ts';
import type { Person } from '../../support/person.ts';
import { openWorld, type TestAccount, type World } from '../../support/world.ts';

/** Auth.js with its own pages, told an issuer and the app's credentials. */
let world: World;
let account: TestAccount;
let app: AppServer;
beforeAll(async () => {
  world = await openWorld();
  app = await listenForApp();
  account = await world.account({ profile: { name: 'Ana García' } });
  const added = await registerClient(world.services, {
    clientId: 'authjs',
    metadata: { client_name: 'Board', redirect_uris: [`${app.origin}/auth/callback/latchkey`] },
  });
  if (!added.ok) throw new Error(JSON.stringify(added));
  serveBoard({ issuer: world.issuer, clientId: 'authjs', clientSecret: String(added.clientSecret) });
});
afterAll(async () => {
  await app?.stop();
  await world?.close();
});

function serveBoard({
  issuer,
  clientId,
  clientSecret,
}: Record<'issuer' | 'clientId' | 'clientSecret', string>) {
  const config: Parameters<typeof Auth>[1] = {
    basePath: '/auth',
    trustHost: true,
    secret: 'one-that-only-this-test-knows-and-that-is-long',
    logger: { error: () => {}, warn: () => {} },
    providers: [
      { id: 'latchkey', name: 'Latchkey', type: 'oidc', issuer, clientId, clientSecret, idToken: false },
    ],
    callbacks: {
      session: ({ session, token }) => ({ ...session, sub: token['provider_sub'] }),
      jwt: ({ token, account: signedIn }) =>
        signedIn ? { ...token, provider_sub: signedIn.providerAccountId } : token,
    },
  };
  app.serve((request, response) => {
    asWebRequest(request)
      .then((asked) => Auth(asked, config))
      .then((answer) => send(response, answer))
      .catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
}

async function asWebRequest(request: IncomingMessage): Promise<Request> {
  const { method = 'GET', headers, url = '/' } = request;
  return new Request(new URL(url, app.origin), {
    method,
    headers: Object.entries(headers).map(([name, value]): [string, string] => [name, String(value)]),
    ...(method === 'POST' ? { body: await text(request) } : {}),
  });
}

async function send(response: ServerResponse, answer: Response): Promise<void> {
  const headers = Object.fromEntries(answer.headers);
  response.writeHead(answer.status, { ...headers, 'set-cookie': answer.headers.getSetCookie() });
  response.end(await answer.text());
}

async function sessionOf(person: Person): Promise<Record<string, unknown> | null> {
  const cookie = person.cookieHeader(app.origin);
  return fetch(`${app.origin}/auth/session`, { headers: { cookie } }).then((answer) => answer.json());
}

describe('an app on Auth.js', () => {
  it('has a session of the person, and ends it', async () => {
    const person = world.person();
    await person.goes(`${app.origin}/auth/signin`);
    await person.presses('Sign in with Latchkey');
    expect(person.heading).toBe('Sign in');
    await person.signsIn(account);
    await person.decides('allow');
    expect(await sessionOf(person)).toMatchObject({
      sub: expect.stringMatching(/^[\w-]{20,}$/),
      user: { name: 'Ana García', email: account.identifier },
    });
    await person.goes(`${app.origin}/auth/signout`);
    await person.presses('Sign out');
    expect(await sessionOf(person)).toBeNull();
  });

  it('shows its own page when the person says no', async () => {
    const person = world.person();
    await person.goes(`${app.origin}/auth/signin`);
    await person.presses('Sign in with Latchkey');
    await person.signsIn(await world.account());
    await person.decides('deny');
    expect(person.url).toBe(`${app.origin}/auth/signin?error=OAuthCallbackError`);
    expect(await sessionOf(person)).toBeNull();
  });
});
