import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { registerApi } from '../../../src/actions/register-api.ts';
import { registerClient } from '../../../src/actions/register-client.ts';
import { type Apache, startApache } from '../../support/apache.ts';
import { HtmlPage } from '../../support/html.ts';
import { recipe } from '../../support/recipes.ts';
import {
  answerEverything,
  arrivalOf,
  openRelyingParty,
  type RelyingParty,
} from '../../support/relying-party.ts';
import { type Answer, send } from '../../support/wire.ts';
import { openWorld, type TestAccount, type World } from '../../support/world.ts';

/** Debian's mod_oauth2 guards an API: it knows our metadata document (RFC 8414) and its own credentials. TEST_MOD_OAUTH2 says that it is there. */
const notes = 'https://notes.example.test';
const secret = 'a-secret-that-apache-and-latchkey-share';
let world: World;
let apache: Apache;
let account: TestAccount;
let app: RelyingParty;
let stranger: RelyingParty;
beforeAll(async () => {
  world = await openWorld();
  account = await world.account();
  const api = {
    identifier: notes,
    name: 'Notes',
    scopes: [{ name: 'notes:read', title: 'Read your notes' }],
  };
  if (!(await registerApi(world.services, api)).ok) throw new Error('no API');
  app = await openRelyingParty(world, { resources: [notes] });
  stranger = await openRelyingParty(world);
  const added = await registerClient(world.services, {
    clientId: 'api',
    clientSecret: secret,
    metadata: { client_name: 'API', resource_server: [app.clientId] },
  });
  if (!added.ok) throw new Error(JSON.stringify(added));
  apache = await startApache('oauth2', () => guardedBy(world.issuer));
});
afterAll(async () => {
  await apache?.stop();
  await world?.close();
});

const title = 'An API behind Apache: mod_oauth2';
const guardedBy = (issuer: string) => {
  const given = { 'https://id.example.com': issuer };
  const asks = { ...given, 'notes-api': 'api', 'the-secret-of-the-api': secret };
  return [
    recipe(title, { language: 'apache', has: 'Location /api', given }),
    recipe(title, { language: 'apache', has: 'introspect.auth', given: asks }),
  ].join('\n');
};

const calls = (token: string, at = '/protected/'): Promise<Answer> =>
  send(`${apache.origin}${at}`, { headers: { authorization: `Bearer ${token}` } });
const shows = ({ text }: Answer, variable: string) => new HtmlPage(text).textOf('code', { id: variable });

describe('an API behind mod_oauth2', () => {
  it('lets in who has a token, and knows whom and for what', async () => {
    const tokens = await app.signsIn(world.person(), account, { scope: 'openid email' });
    const answer = await calls(tokens.access_token);
    expect(answer.status).toBe(200);
    expect(shows(answer, 'REMOTE_USER')).toBe(tokens.claims()?.sub);
    expect(shows(answer, 'OAUTH2_CLAIM_client_id')).toBe(app.clientId);
    expect(shows(answer, 'OAUTH2_CLAIM_scope')).toBe('openid email');
  });

  it('keeps out who has none, a made-up one, a revoked one, and one of an app that it has no business with', async () => {
    expect((await send(`${apache.origin}/protected/`)).status).toBe(401);
    expect((await calls('a'.repeat(43))).status).toBe(401);
    const revoked = await app.signsIn(world.person(), account);
    await app.posts('revocation', { token: revoked.access_token });
    expect((await calls(revoked.access_token)).status).toBe(401);
    const foreign = await stranger.signsIn(world.person(), account);
    expect((await calls(foreign.access_token)).status).toBe(401);
  });

  it('reads tokens that are for it by itself, with the keys of the metadata document (RFC 9068)', async () => {
    const attempt = app.asks({ scope: 'openid notes:read', resource: notes });
    const person = world.person();
    await person.goes(attempt.url);
    await answerEverything(world, person, account);
    const code = arrivalOf(person).searchParams.get('code') ?? '';
    const { json } = await app.redeems(code, attempt, { resource: notes });
    const answer = await calls(String(json['access_token']), '/api/');
    expect(answer.status).toBe(200);
    expect(shows(answer, 'OAUTH2_CLAIM_aud')).toBe(notes);
    expect(shows(answer, 'OAUTH2_CLAIM_scope')).toBe('notes:read');
    const { id_token } = await app.signsIn(world.person(), account);
    expect((await calls(String(id_token), '/api/')).status).toBe(401);
  });
});
