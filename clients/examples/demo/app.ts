import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { homePage, type PersonToPlay } from './pages.ts';
import { addEvent, openSessions, type Session } from './session.ts';
import { openSignIn, type Registered, type SignIn } from './sign-in.ts';

/**
 * Paperplane, a small real app that signs people in with OpenID Connect: node:http and an unmodified openid-client,
 * nothing else. It knows of the sign-in service what its documentation would say: the issuer's address, a client id
 * and a secret. Copy it to begin with.
 *
 * sign-in.ts is what an app needs; session.ts is what it keeps; pages.ts is what it shows.
 */
export type DemoOptions = Registered & {
  /** People to try it with, and what their authenticator app shows now. Only where nobody else can look. */
  peopleToPlay?: () => Promise<PersonToPlay[]>;
};

/** A server that listens and has nothing to say yet: the app's redirect URI has its port in it. */
export async function listenForDemo(port: number): Promise<{ server: Server; origin: string }> {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const { port: chosen } = server.address() as AddressInfo;
  return { server, origin: `http://localhost:${chosen}` };
}

export function startDemoApp(server: Server, options: DemoOptions): void {
  const sessions = openSessions();
  const signIn = openSignIn(options);
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const session = sessions.of(request, response);
    answer(request, response, { options, signIn, session }).catch((error: unknown) => {
      console.error(error);
      if (!response.headersSent) text(response, 500, 'That was our mistake. Try again in a moment.');
      response.end();
    });
  });
}

type Visit = { options: DemoOptions; signIn: SignIn; session: Session };

async function answer(request: IncomingMessage, response: ServerResponse, visit: Visit): Promise<void> {
  const { options, signIn, session } = visit;
  const url = new URL(request.url ?? '/', options.origin);
  const route = `${request.method} ${url.pathname}`;
  if (request.method === 'POST' && !isOurOwnForm(request)) return text(response, 403, 'Not from this page.');

  switch (route) {
    case 'GET /':
      return showHome(response, visit);
    case 'POST /sign-in':
      return go(response, await signIn.begin(session));
    case 'GET /callback':
      await signIn.finish(session, url);
      return go(response, '/');
    case 'POST /refresh':
      await signIn.refresh(session);
      return go(response, '/');
    case 'POST /sign-out':
      return go(response, await signIn.end(session));
    case 'GET /signed-out':
      addEvent(session, 'Signed out', 'The sign-in service ended the session and sent you back here.');
      return go(response, '/');
    case 'GET /people.json':
      return json(response, (await options.peopleToPlay?.()) ?? []);
    default:
      return staticFile(response, route);
  }
}

async function showHome(
  response: ServerResponse,
  { options, session }: Pick<Visit, 'options' | 'session'>,
): Promise<void> {
  const people = (await options.peopleToPlay?.()) ?? [];
  const page = homePage({ brand: options.brand, session, people });
  session.problem = undefined;
  response.writeHead(200, {
    'Content-Type': 'text/html; charset=utf-8',
    'Cache-Control': 'no-store',
    // A form here ends at the sign-in service, and browsers hold redirects to this list, too.
    'Content-Security-Policy': `default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self' ${options.issuer}; base-uri 'none'; frame-ancestors 'none'`,
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
  });
  response.end(page);
}

const files: Record<string, { name: string; type: string }> = {
  'GET /style.css': { name: 'style.css', type: 'text/css; charset=utf-8' },
  'GET /codes.js': { name: 'codes.js', type: 'text/javascript; charset=utf-8' },
  'GET /favicon.ico': { name: 'plane.svg', type: 'image/svg+xml' },
  'GET /plane.svg': { name: 'plane.svg', type: 'image/svg+xml' },
};

function staticFile(response: ServerResponse, route: string): void {
  const file = files[route];
  if (!file) {
    text(response, 404, 'There is no such page.');
    return;
  }
  response.writeHead(200, { 'Content-Type': file.type, 'Cache-Control': 'max-age=60' });
  response.end(readFileSync(path.join(import.meta.dirname, file.name)));
}

/** Other sites must not press our buttons (W3C Fetch Metadata); programs send no such header. */
function isOurOwnForm({ headers }: IncomingMessage): boolean {
  return ['same-origin', undefined].includes(headers['sec-fetch-site'] as string | undefined);
}

function go(response: ServerResponse, location: string): void {
  response.writeHead(303, { Location: location, 'Cache-Control': 'no-store' }).end();
}

function text(response: ServerResponse, status: number, said: string): void {
  response.writeHead(status, { 'Content-Type': 'text/plain; charset=utf-8' }).end(said);
}

function json(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
  response.end(JSON.stringify(value));
}
