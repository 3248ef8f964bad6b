import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as client from 'openid-client';
import { findClient } from '../../clients/registry/registry.ts';
import { sectorOf } from '../../clients/registry/sector.ts';
import { asked, manages, posts, registered } from '../support/registration.ts';
import { RelyingParty } from '../support/relying-party.ts';
import { openWorld, type World } from '../support/world.ts';

/** What somebody could try with registration, against others or against the network the server stands in. */
let strict: World;
let loopback: World;
let canary: Server;
let seen: string[] = [];
let lists: Record<string, string> = {};
let origin: string;

beforeAll(async () => {
  canary = createServer((request, response) => {
    seen.push(request.url ?? '');
    const list = lists[request.url ?? ''];
    response.statusCode = list === undefined ? 404 : 200;
    if (request.url === '/moved') response.writeHead(302, { location: '/list' });
    response.end(list);
  }).listen(0, '127.0.0.1');
  await once(canary, 'listening');
  origin = `http://127.0.0.1:${(canary.address() as AddressInfo).port}`;
  strict = await openWorld({ DYNAMIC_REGISTRATION: 'open', REGISTRATIONS_PER_HOUR: '1000' });
  loopback = await openWorld({ DYNAMIC_REGISTRATION: 'open', ALLOW_LOOPBACK_FETCH: 'on' });
});
afterAll(async () => {
  canary.close();
  await strict.close();
  await loopback.close();
});

describe('an address that the server would fetch (DC-05)', () => {
  const members = [
    'sector_identifier_uri',
    'jwks_uri',
    'logo_uri',
    'backchannel_logout_uri',
    'initiate_login_uri',
  ];
  const hosts = (port: number) => [
    `http://127.0.0.1:${port}/`,
    `https://127.0.0.1:${port}/`,
    `https://localhost:${port}/`,
    `https://[::1]:${port}/`,
    `https://[::ffff:127.0.0.1]:${port}/`,
    `https://0.0.0.0:${port}/`,
    `https://2130706433:${port}/`,
    `https://0x7f.1:${port}/`,
    'https://169.254.169.254/latest/meta-data',
    'https://10.0.0.1/',
    'https://100.64.0.1/',
    'gopher://127.0.0.1:6379/_SET',
    'file:///etc/passwd',
  ];

  it.each(members)('reaches nothing of ours at registration: %s', async (member) => {
    seen = [];
    const port = (canary.address() as AddressInfo).port;
    for (const address of hosts(port)) {
      const answer = await posts(strict, { ...asked, [member]: address });
      expect([201, 400]).toContain(answer.status);
      // What is fetched at registration and could not be is said; the rest is refused where it could never be right.
      if (member === 'sector_identifier_uri') expect(answer.status).toBe(400);
      if (/^(gopher|file):|\/\/(10|169|100|0x|2130)/.test(address)) expect(answer.status).toBe(400);
    }
    expect(seen).toEqual([]);
  });

  it('tells nobody which hosts there are within', async () => {
    const told = async (host: string) =>
      (await posts(strict, { ...asked, sector_identifier_uri: `https://${host}/list.json` })).json;
    expect(await told('localhost')).toEqual(await told('nothing.invalid'));
  });
});

describe('a list of redirect URIs at an address (OpenID Connect Core section 8.1)', () => {
  const two = ['https://a.example.test/cb', 'https://b.example.test/cb'];
  const withList = (path: string) => ({ redirect_uris: two, sector_identifier_uri: `${origin}${path}` });

  it('joins the hosts that stand in it', async () => {
    lists = { '/list': JSON.stringify([...two, 'https://c.example.test/cb']) };
    const made = await registered(loopback, { ...withList('/list'), subject_type: 'pairwise' });
    expect(made).toMatchObject({ subject_type: 'pairwise', sector_identifier_uri: `${origin}/list` });
    // Looked at anew only when something about it changes.
    seen = [];
    const members = { ...withList('/list'), client_id: made['client_id'], client_name: 'Other' };
    const changed = await manages(made, { method: 'PUT', members });
    expect(changed).toMatchObject({ status: 200, json: { subject_type: 'pairwise' } });
    expect(seen).toEqual([]);
  });

  it.each([
    ['/other', '["https://a.example.test/cb"]', /without https:\/\/b\.example\.test\/cb/],
    ['/object', '{"redirect_uris":[]}', /JSON list/],
    ['/half', '["https://a', /JSON list/],
    ['/long', `["${'x'.repeat(70_000)}"]`, /64 kB/],
    ['/gone', undefined, /did not answer 200/],
    ['/moved', '[]', /another address/],
  ])('is refused when it is not one, or lacks one of the app’s: %s', async (path, list, sentence) => {
    lists = list === undefined ? {} : { [path]: list };
    const answer = await posts(loopback, withList(path));
    expect(answer).toMatchObject({ status: 400, json: { error: 'invalid_client_metadata' } });
    expect(answer.json['error_description']).toMatch(sentence);
  });
});

it('learns by nobody else’s names for people: its access ends when it joins their list', async () => {
  const theirs = 'https://victim.example.test/cb';
  lists = { '/theirs': JSON.stringify([theirs]) };
  const members = { ...asked, scope: 'openid offline_access' };
  const made = await registered(loopback, members);
  const config = await client.discovery(
    new URL(loopback.issuer),
    String(made['client_id']),
    {},
    client.ClientSecretBasic(made['client_secret']),
    { execute: [client.allowInsecureRequests] },
  );
  const app = new RelyingParty({
    world: loopback,
    config,
    clientSecret: made['client_secret'],
    name: 'Kites',
    redirectUri: asked.redirect_uris[0] ?? '',
  });
  const account = await loopback.account();
  const tokens = await app.signsIn(loopback.person(), account, { scope: 'openid offline_access' });
  // A change that leaves the names as they are leaves the access as it is.
  const { client_id } = made;
  const harmless = await manages(made, {
    method: 'PUT',
    members: { ...members, client_id, client_name: 'K2' },
  });
  expect(harmless.status).toBe(200);
  const refreshed = await app.refreshes(tokens.refresh_token);
  expect(refreshed.status).toBe(200);
  const joined = await manages(harmless.json as Record<string, string>, {
    method: 'PUT',
    members: {
      ...members,
      client_id,
      redirect_uris: [theirs],
      sector_identifier_uri: `${origin}/theirs`,
    },
  });
  expect(joined.status).toBe(200);
  expect(await app.refreshes(String(refreshed.json['refresh_token']))).toMatchObject({
    status: 400,
    json: { error: 'invalid_grant' },
  });
});

it('is of nobody’s sector for a host or a list that it names and is not sent to', () => {
  const metadata = { redirect_uris: ['https://victim.example.test/cb'], grant_types: ['authorization_code'] };
  const sector_identifier_uri = 'https://victim.example.test/list';
  const device = 'urn:ietf:params:oauth:grant-type:device_code';
  const sector = (origin: 'operator' | 'open', more = {}) =>
    sectorOf({ clientId: 'mine', origin, metadata: { ...metadata, ...more } });
  expect(sector('operator')).toBe('victim.example.test');
  expect(sector('open')).toBe('app:mine');
  expect(sector('open', { sector_identifier_uri })).toBe('victim.example.test');
  expect(sector('open', { sector_identifier_uri, grant_types: [device] })).toBe('app:mine');
});

it.each([
  'https://*.example.test/cb',
  'https://a.example.test/cb#x',
  'http://a.example.test/cb',
  'https://user@a.example.test/cb',
  'https://192.0.2.1/cb',
  `https://a.example.test/${'x'.repeat(2049)}`,
  'https://h\u00e4user.example.test/cb',
  'https://a.example.test./cb',
  'https://a.example.test/\u0000',
  'data:text/html,x',
  'intent://scan/#Intent;end',
  'myapp://cb',
])('takes no redirect URI that is compared otherwise than it is read (DC-11, AZ-05): %s', async (uri) => {
  for (const application_type of ['web', 'native'])
    expect(await posts(strict, { application_type, redirect_uris: [uri] })).toMatchObject({
      status: 400,
      json: { error: 'invalid_redirect_uri' },
    });
});

it('takes neither too many nor the same in another case, and keeps what was typed (DC-11)', async () => {
  const many = Array.from({ length: 51 }, (_, at) => `https://a.example.test/${at}`);
  expect(await posts(strict, { redirect_uris: many })).toMatchObject({ status: 400 });
  const twice = ['https://a.example.test/cb', 'https://a.example.test/CB'];
  expect(await posts(strict, { redirect_uris: twice })).toMatchObject({ status: 400 });
  const typed = ['https://a.example.test', 'https://a.example.test/?x=%7E'];
  expect((await registered(strict, { redirect_uris: typed }))['redirect_uris']).toEqual(typed);
});

it('shows what an app calls itself as text, and leads to no address that scripts (DC-03)', async () => {
  const name = `<img src=x onerror="alert(1)">{{7*7}}`;
  for (const policy_uri of ['javascript:alert(1)', 'https://kites.example.test/?"><b>', 'data:text/html,x'])
    expect(await posts(strict, { ...asked, policy_uri })).toMatchObject({ status: 400 });
  const named = await registered(strict, { ...asked, client_name: name });
  const person = strict.person();
  const query = new URLSearchParams({
    client_id: named['client_id'] ?? '',
    redirect_uri: asked.redirect_uris[0] ?? '',
    response_type: 'code',
    scope: 'openid',
    code_challenge: 'x'.repeat(43),
    code_challenge_method: 'S256',
  });
  await person.goes(`${strict.issuer}/authorize?${query}`);
  await person.signsIn(await strict.account());
  expect(person.heading).toContain(name);
  expect(person.html.attribute('img', { src: 'x' }, 'onerror')).toBeUndefined();
  await person.decides('allow');
  await person.goes(`${strict.issuer}/account/apps`);
  expect(person.text).toContain(name);
  expect(person.html.attribute('img', { src: 'x' }, 'onerror')).toBeUndefined();
});

it('keeps a secret and a token only as digests, and gives no id twice (DC-09, DC-15)', async () => {
  const made = await registered(strict);
  const { client_id: id = '', client_secret: secret = '', registration_access_token: token = '' } = made;
  const tables = ['clients', 'client_secrets', 'audit_events'] as const;
  for (const table of tables) {
    const rows = JSON.stringify(await strict.services.db.selectFrom(table).selectAll().execute());
    expect(rows).not.toContain(secret);
    expect(rows).not.toContain(token);
  }
  expect(await manages(made, { method: 'DELETE' })).toMatchObject({ status: 204 });
  const again = await registered(strict, { ...asked, client_id: id });
  expect(again['client_id']).not.toBe(id);
  expect(await findClient(strict.services, id)).toBeUndefined();
});
