import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { type Api, findApi } from '../../clients/registry/apis/apis.ts';
import { registerApi, reviseApi, unregisterApi } from '../../src/actions/register-api.ts';
import { listEvents } from '../../src/audit/list.ts';
import { apiMetadata } from '../../src/oidc/resources/api-metadata.ts';
import { type ExampleApis, files, isAsked, mail, openExampleApis, ours } from '../support/example-apis.ts';
import { arrivalOf, openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { claimsOf, headerOf } from '../support/signing-app.ts';
import { send } from '../support/wire.ts';
import { openWorld, type TestAccount, type World } from '../support/world.ts';

/** Access tokens for APIs: resource indicators (RFC 8707) and tokens that an API reads by itself (RFC 9068). */
let world: World;
let app: RelyingParty;
let account: TestAccount;
let filesServer: RelyingParty;
let mailServer: RelyingParty;
let asking: ExampleApis['asking'];
let tokensFor: ExampleApis['tokensFor'];
beforeAll(async () => {
  world = await openWorld();
  ({ app, account, filesServer, mailServer, asking, tokensFor } = await openExampleApis(world));
});
afterAll(() => world.close());

describe('an app that asks for an API', () => {
  it('has the API and its scopes named on the consent page, in the language of who reads it', async () => {
    const person = world.person({ language: 'de' });
    const someone = await world.account();
    await person.goes(asking([files], 'openid files:read files:write').url);
    await person.submits({ identifier: someone.identifier, password: someone.password });
    const text = person.html.textOf('main');
    expect(text).toContain('Deine Dateien sehen');
    expect(text).toContain('Bei Beispiel-Dateien');
    expect(text).toContain('Change your files');
  });

  it('gets a token that the API reads by itself (RFC 9068)', async () => {
    const { code, attempt } = await tokensFor([files], 'openid files:read files:write');
    const { json } = await app.redeems(code, attempt, { resource: files });
    expect(json).toMatchObject({ token_type: 'Bearer', expires_in: 300, scope: 'files:read files:write' });
    const keys = createRemoteJWKSet(new URL(`${world.issuer}/jwks`));
    const { payload, protectedHeader } = await jwtVerify(String(json['access_token']), keys, {
      issuer: world.issuer,
      audience: files,
      typ: 'at+jwt',
    });
    expect(protectedHeader.alg).toBe('ES256');
    expect(payload).toMatchObject({
      client_id: app.clientId,
      sub: claimsOf(json['id_token'])['sub'],
      scope: 'files:read files:write',
      jti: expect.any(String),
      auth_time: expect.any(Number),
    });
    // Nothing of the person but who they are: the rest is at the UserInfo endpoint, for who has a token for that.
    expect(Object.keys(payload)).not.toEqual(expect.arrayContaining(['email', 'name']));
    expect((await app.userinfo(String(json['access_token']))).status).toBe(401);
  });

  it('gets what the person left ticked, and is not told of the rest', async () => {
    const someone = await world.account();
    const person = world.person();
    const attempt = asking([files], 'openid files:read files:write');
    await isAsked(person, someone, attempt.url);
    await person.submits({ decision: 'allow', scope: [] } as never);
    const code = arrivalOf(person).searchParams.get('code') ?? '';
    const { json } = await app.redeems(code, attempt, { resource: files });
    expect(json).toMatchObject({ scope: 'files:read' });
    // Decided once, on any browser: the record remembers both.
    const again = await tokensFor([files], 'openid files:read files:write', someone);
    expect((await app.redeems(again.code, again.attempt, { resource: files })).json).toMatchObject({
      scope: 'files:read',
    });
  });

  it('may ask for several, and gets a token for one of them at a time', async () => {
    const { code, attempt } = await tokensFor([files, mail], 'openid offline_access files:read mail:read');
    const first = await app.redeems(code, attempt, { resource: files });
    expect(claimsOf(first.json['access_token'])).toMatchObject({ aud: files, scope: 'files:read' });
    const second = await app.refreshes(String(first.json['refresh_token']), { resource: mail });
    expect(second.json).toMatchObject({ scope: 'mail:read', expires_in: 600 });
    expect(String(second.json['access_token'])).not.toContain('.');
    const third = await app.refreshes(String(second.json['refresh_token']));
    expect((await app.userinfo(String(third.json['access_token']))).status).toBe(200);
  });

  it('gets a token for the one API of its grant where nothing else is in it, also the short way (direct/)', async () => {
    const attempt = app.asks({ scope: 'offline_access files:read', nonce: undefined, resource: files });
    const person = world.person();
    await isAsked(person, account, attempt.url);
    if (!person.left) await person.decides('allow');
    const first = await app.redeems(arrivalOf(person).searchParams.get('code') ?? '', attempt);
    const refreshed = await app.refreshes(String(first.json['refresh_token']));
    for (const { json } of [first, refreshed]) {
      expect(json).toMatchObject({ scope: 'files:read', expires_in: 300 });
      expect(claimsOf(json['access_token'])).toMatchObject({ aud: files, auth_time: expect.any(Number) });
    }
  });

  it('gets no more than it was granted, and for no other API (TK-11)', async () => {
    const { code, attempt } = await tokensFor([files], 'openid offline_access files:read');
    const both = new URLSearchParams({
      grant_type: 'authorization_code',
      code,
      redirect_uri: app.redirectUri,
      code_verifier: attempt.verifier,
    });
    both.append('resource', files);
    both.append('resource', mail);
    expect((await app.posts('token', both)).json).toMatchObject({ error: 'invalid_target' });
    const once = await tokensFor([files], 'openid offline_access files:read');
    const { json } = await app.redeems(once.code, once.attempt, { resource: files });
    const refreshed = String(json['refresh_token']);
    expect((await app.refreshes(refreshed, { resource: mail })).json['error']).toBe('invalid_target');
    expect((await app.refreshes(refreshed, { scope: 'files:write', resource: files })).json['error']).toBe(
      'invalid_scope',
    );
    const narrowed = await app.refreshes(refreshed, { scope: 'openid', resource: files });
    expect(claimsOf(narrowed.json['access_token'])).not.toHaveProperty('scope');
    const wide = await app.refreshes(String(narrowed.json['refresh_token']), { resource: files });
    expect(wide.json['scope']).toBe('files:read');
  });

  it.each<[string, () => string, () => RelyingParty]>([
    ['that nobody registered', () => 'https://other.test/', () => app],
    ['that is spelled differently', () => `${files}/`, () => app],
    ['with a fragment', () => `${files}#part`, () => app],
    ['that is no address', () => 'files', () => app],
    ['that is for our own apps', () => ours, () => app],
    ['that it does not have among its own', () => files, () => mailServer],
  ])('is refused one %s', async (_, resource, who) => {
    const form = { grant_type: 'client_credentials', resource: resource() };
    const asker =
      who() === app
        ? app
        : await openRelyingParty(world, { grant_types: ['authorization_code', 'client_credentials'] });
    expect((await asker.posts('token', form)).json).toMatchObject({ error: 'invalid_target' });
    const person = world.person();
    const attempt = asker.asks();
    attempt.url.searchParams.append('resource', resource());
    await person.goes(attempt.url);
    expect(arrivalOf(person).searchParams.get('error')).toBe('invalid_target');
  });

  it('gets tokens for itself, without a person', async () => {
    const form = { grant_type: 'client_credentials', resource: files, scope: 'files:read' };
    const { json } = await app.posts('token', form);
    expect(claimsOf(json['access_token'])).toMatchObject({
      aud: files,
      sub: app.clientId,
      client_id: app.clientId,
      scope: 'files:read',
    });
    expect(json['expires_in']).toBe(300);
    expect(await filesServer.introspects(String(json['access_token']))).toMatchObject({
      active: true,
      aud: files,
    });
  });

  it('may use one that is open to all', async () => {
    const open = 'https://open.example.test';
    await registerApi(world.services, { identifier: open, name: 'Open', open_to_all: true });
    const stranger = await openRelyingParty(world, {
      grant_types: ['authorization_code', 'client_credentials'],
    });
    const { json } = await stranger.posts('token', { grant_type: 'client_credentials', resource: open });
    expect(claimsOf(json['access_token'])['aud']).toBe(open);
    await unregisterApi(world.services, open);
    const gone = await stranger.posts('token', { grant_type: 'client_credentials', resource: open });
    expect(gone.json['error']).toBe('invalid_target');
  });

  it('has its tokens changed by the operator from the next one on', async () => {
    const identifier = 'https://changing.example.test';
    await registerApi(world.services, { identifier, name: 'Changing', open_to_all: true });
    const form = { grant_type: 'client_credentials', resource: identifier };
    expect(headerOf((await app.posts('token', form)).json['access_token'])['alg']).toBe('ES256');
    const changes = { signing_alg: 'RS256', token_lifetime: 60 };
    expect(await reviseApi(world.services, { identifier, changes })).toMatchObject({ changed: true });
    const { json } = await app.posts('token', form);
    expect([headerOf(json['access_token'])['alg'], json['expires_in']]).toEqual(['RS256', 60]);
    const events = await listEvents(world.services, { limit: 20 });
    expect(events.find(({ type }) => type === 'api.updated')?.detail).toMatchObject({ api: identifier });
  });
});

describe('what is published of a protected resource (RFC 9728)', () => {
  it('is there for the UserInfo endpoint, and printed for an API', async () => {
    const { json, headers } = await send(`${world.issuer}/.well-known/oauth-protected-resource/userinfo`);
    expect(json).toMatchObject({
      resource: app.endpoint('userinfo'),
      authorization_servers: [world.issuer],
      jwks_uri: `${world.issuer}/jwks`,
    });
    expect(headers['access-control-allow-origin']).toBe('*');
    const api = await findApi(world.services, files);
    expect(apiMetadata(world.services, api as Api)).toMatchObject({
      resource: files,
      authorization_servers: [world.issuer],
      scopes_supported: ['files:read', 'files:write'],
      resource_name: 'Example Files',
      'resource_name#de': 'Beispiel-Dateien',
    });
  });
});
