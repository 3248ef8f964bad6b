import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import * as client from 'openid-client';
import { findClient } from '../../clients/registry/registry.ts';
import { changeClient } from '../../src/actions/change-client.ts';
import { disableClient } from '../../src/actions/disable-client.ts';
import { minutes } from '../../src/kit/durations.ts';
import type { Person } from '../support/person.ts';
import { arrivalOf } from '../support/relying-party.ts';
import { openWorld, type World } from '../support/world.ts';

/** Apps that are a document at an address (OAuth Client ID Metadata Document, draft), as MCP clients are. */
let world: World;
let host: Server;
let origin: string;
let fetched: string[] = [];
let documents: Record<string, unknown> = {};

beforeAll(async () => {
  host = createServer((request, response) => {
    const path = request.url ?? '';
    fetched.push(path);
    const said = documents[path];
    if (said instanceof Function) return said(response);
    response.writeHead(said === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(typeof said === 'string' ? said : JSON.stringify(said));
  }).listen(0, '127.0.0.1');
  await once(host, 'listening');
  origin = `http://127.0.0.1:${(host.address() as AddressInfo).port}`;
  world = await openWorld({
    CLIENT_ID_METADATA_DOCUMENTS: 'on',
    CLIENT_ID_METADATA_BLOCKED_HOSTS: 'localhost',
    ALLOW_LOOPBACK_FETCH: 'on',
  });
});
beforeEach(() => {
  fetched = [];
  // So that no test has used up what the next one may have looked at.
  world.advance(60 * minutes);
});
afterAll(async () => {
  host.close();
  await world.close();
});

const [html, json] = [{ 'content-type': 'text/html' }, { 'content-type': 'application/json' }];
const redirectUri = 'https://notebook.example.test/callback';
const documentAt = (path: string, members: object = {}) => ({
  client_id: `${origin}${path}`,
  client_name: 'Notebook',
  redirect_uris: [redirectUri],
  first_party: true,
  ...members,
});

async function asks(
  clientId: string,
): Promise<{ person: Person; verifier: string; config: client.Configuration }> {
  const config = await client.discovery(new URL(world.issuer), clientId, {}, client.None(), {
    execute: [client.allowInsecureRequests],
  });
  const verifier = client.randomPKCECodeVerifier();
  const person = world.person();
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: redirectUri,
    scope: 'openid',
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  });
  await person.goes(url);
  return { person, verifier, config };
}

it('lets people sign in to one, says that nobody looked at it, and fetches it once in a while', async () => {
  documents = { '/app.json': documentAt('/app.json') };
  const clientId = `${origin}/app.json`;
  const { person, verifier, config } = await asks(clientId);
  expect(config.serverMetadata()['client_id_metadata_document_supported']).toBe(true);
  await person.signsIn(await world.account());
  expect(person.heading).toContain('Notebook');
  expect(person.text).toContain('Latchkey has not checked this app');
  await person.decides('allow');
  const tokens = await client.authorizationCodeGrant(config, arrivalOf(person), {
    pkceCodeVerifier: verifier,
    idTokenExpected: true,
  });
  expect(tokens.claims()?.aud).toBe(clientId);
  expect(await findClient(world.services, clientId)).toMatchObject({
    origin: 'document',
    metadata: { first_party: false, token_endpoint_auth_method: 'none' },
  });
  expect(fetched).toEqual(['/app.json']);

  documents = { '/app.json': documentAt('/app.json', { client_name: 'Notebook 2' }) };
  world.advance(16 * minutes);
  const later = await asks(clientId);
  await later.person.signsIn(await world.account());
  expect(later.person.heading).toContain('Notebook 2');
  expect(fetched).toEqual(['/app.json', '/app.json']);
});

it('leaves what an operator said of one as it is when its document is read anew', async () => {
  documents = { '/vouched.json': documentAt('/vouched.json') };
  const clientId = `${origin}/vouched.json`;
  await asks(clientId);
  const said = { company: 'Paperplane', resources: ['https://api.example.test/'] };
  expect(await changeClient(world.services, { clientId, changes: said })).toMatchObject({ ok: true });
  documents = {
    '/vouched.json': documentAt('/vouched.json', { client_name: 'Notebook 3', company: 'Other' }),
  };
  world.advance(16 * minutes);
  await asks(clientId);
  expect((await findClient(world.services, clientId))?.metadata).toMatchObject({
    client_name: 'Notebook 3',
    ...said,
  });
});

it.each<[string, unknown]>([
  ['names another address', { client_id: 'https://other.example/app' }],
  ['has a secret', { client_secret: 'told to everybody' }],
  ['wants one', { token_endpoint_auth_method: 'client_secret_basic' }],
  ['says something wrong', { redirect_uris: ['javascript:x'] }],
  ['is called what we are called', { client_name: 'LATCHKEY' }],
  ['is called so in another language', { 'client_name#fr': 'Latchkey' }],
  ['is too long', { software_id: 'x'.repeat(6_000) }],
])('is no app when its document %s', async (name, members) => {
  const path = `/${encodeURIComponent(name)}.json`;
  documents = { [path]: documentAt(path, members as object) };
  const { person } = await asks(`${origin}${path}`);
  expect(person.status).toBe(400);
  expect(person.errorCode).toBe('invalid_client');
});

it('is no app when it is gone, on a blocked host, stopped by an operator, or not written as it must be', async () => {
  const port = new URL(origin).port;
  for (const id of [
    `${origin}/gone.json`,
    `http://localhost:${port}/app.json`,
    `${origin}/`,
    `${origin}/a/../app.json`,
    `http://u@127.0.0.1:${port}/app.json`,
    'https://10.0.0.1/app.json',
    'http://app.example/app.json',
  ]) {
    const { person } = await asks(id);
    expect({ id, status: person.status }).toEqual({ id, status: 400 });
  }
  expect(fetched).toEqual(['/gone.json']);
  documents = { '/stopped.json': documentAt('/stopped.json') };
  const clientId = `${origin}/stopped.json`;
  expect((await asks(clientId)).person.heading).toBe('Sign in');
  await disableClient(world.services, { clientId, reason: 'test' });
  expect((await asks(clientId)).person.status).toBe(400);
});

it('tells the makers what is wrong with a document', async () => {
  const cases: [string, unknown, RegExp][] = [
    ['/text.json', 'no json', /its document is not a JSON object/],
    ['/other.json', documentAt('/app.json'), /does not name this very address as its client_id/],
    ['/secret.json', documentAt('/secret.json', { client_secret: 'x'.repeat(40) }), /has a secret/],
    ['/fragment.json', documentAt('/fragment.json', { redirect_uris: ['https://a.example/#x'] }), /fragment/],
    ['/none.json', undefined, /is not answered with status 200/],
  ];
  documents = Object.fromEntries(cases.map(([path, said]) => [path, said]));
  for (const [path, , problem] of cases) {
    const seen = [];
    for (let time = 0; time < 2; time += 1) seen.push((await asks(`${origin}${path}`)).person.text);
    expect(seen).toEqual([expect.stringMatching(problem), expect.stringMatching(problem)]);
  }
  expect((await asks('nobody')).person.text).toMatch(/client_id is of no app here/);
});

it.each<[string, (answer: ServerResponse, text: string) => void, RegExp]>([
  ['leads on', (answer) => answer.writeHead(302, { location: '/good.json' }).end(), /a redirect/],
  ['is a page', (answer, text) => answer.writeHead(200, html).end(`<p>${text}</p>`), /not served as/],
  ['is JSON on a page', (answer, text) => answer.writeHead(200, html).end(text), /not served as application/],
  ['is of no kind', (answer, text) => answer.writeHead(200).end(text), /not served as/],
  ['is not all there is', (answer, text) => answer.writeHead(206, json).end(text), /status 200/],
  ['is large', (answer, text) => answer.writeHead(200, json).end(`${text}${' '.repeat(6_000)}`), /larger/],
  ['is a list', (answer, text) => answer.writeHead(200, json).end(`[${text}]`), /not a JSON object/],
])('is no app when its address %s', async (name, answers, problem) => {
  const path = `/${name.replaceAll(' ', '-')}`;
  documents = {
    '/good.json': documentAt(path),
    [path]: (answer: ServerResponse) => answers(answer, JSON.stringify(documentAt(path))),
  };
  const { person } = await asks(`${origin}${path}`);
  expect([person.status, person.errorCode, person.text]).toEqual([
    400,
    'invalid_client',
    expect.stringMatching(problem),
  ]);
  // Where a redirect leads to, nothing was fetched.
  expect(fetched).toEqual([path]);
});

it('is an app whose document is of a kind of JSON of its own', async () => {
  const said = JSON.stringify(documentAt('/own'));
  documents = {
    '/own': (answer: ServerResponse) =>
      answer.writeHead(200, { 'content-type': 'application/client+json; charset=utf-8' }).end(said),
  };
  expect((await asks(`${origin}/own`)).person.heading).toBe('Sign in');
});

it('fetches nothing while the settings want none', async () => {
  const closed = await openWorld({ ALLOW_LOOPBACK_FETCH: 'on' });
  documents = { '/closed.json': documentAt('/closed.json') };
  const person = closed.person();
  await person.goes(`${closed.issuer}/authorize?client_id=${encodeURIComponent(`${origin}/closed.json`)}`);
  expect(person.status).toBe(400);
  expect(fetched).toEqual([]);
  await closed.close();
});

it('lets nobody who makes up addresses use up what others bring theirs by', async () => {
  const few = await openWorld({
    CLIENT_ID_METADATA_DOCUMENTS: 'on',
    ALLOW_LOOPBACK_FETCH: 'on',
    REGISTRATIONS_PER_HOUR: '2',
  });
  const arrives = async (path: string, person: Person) => {
    const query = new URLSearchParams({
      client_id: `${origin}${path}`,
      response_type: 'code',
      scope: 'openid',
    });
    query.set('redirect_uri', redirectUri);
    query.set('code_challenge', 'x'.repeat(43));
    query.set('code_challenge_method', 'S256');
    return (await person.goes(`${few.issuer}/authorize?${query}`)).status;
  };
  documents = { '/new.json': documentAt('/new.json') };
  const one = few.person();
  for (let at = 0; at < 25; at += 1) expect(await arrives(`/made-up-${at}.json`, one)).toBe(400);
  expect(fetched).toEqual(['/made-up-0.json', '/made-up-1.json']);
  expect(await arrives('/new.json', one)).toBe(400);
  // What one may not have looked at, another may, at once.
  expect(await arrives('/new.json', few.person())).toBe(200);
  await few.close();
});
