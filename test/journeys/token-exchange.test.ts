import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { checkClientMetadata } from '../../clients/registry/metadata.ts';
import { changeClient } from '../../src/actions/change-client.ts';
import { disableClient } from '../../src/actions/disable-client.ts';
import { registerApi, reviseApi } from '../../src/actions/register-api.ts';
import { suspendAccount } from '../../src/actions/suspend-account.ts';
import { flushAudit } from '../../src/audit/append.ts';
import { listEvents } from '../../src/audit/list.ts';
import { revokeGrants } from '../../src/oidc/grants.ts';
import { signJwt } from '../support/assertion.ts';
import { openAuthority } from '../support/certificates.ts';
import { arrivalOf, openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { claimsOf, headerOf, type Keys, newKeys, openSigningApp } from '../support/signing-app.ts';
import { openWorld, type TestAccount, type World } from '../support/world.ts';

/** A service that was called with a person's token calls the next one for the same person (RFC 8693). */
const grantType = 'urn:ietf:params:oauth:grant-type:token-exchange';
const accessToken = 'urn:ietf:params:oauth:token-type:access_token';
const [orders, stock, price] = ['https://orders.test', 'https://stock.test', 'https://price.test'];
let world: World;
let account: TestAccount;
let app: RelyingParty;
let service: RelyingParty;
let next: RelyingParty;
beforeAll(async () => {
  world = await openWorld({ MTLS_HEADER: 'client-cert' });
  account = await world.account();
  const own = {
    first_party: true,
    redirect_uris: [],
    response_types: [],
    grant_types: [grantType, 'client_credentials'],
  };
  service = await openRelyingParty(world, { ...own, resources: [stock, price, orders] });
  next = await openRelyingParty(world, { ...own, resources: [price, stock, orders] });
  const scopes = ['shop:read', 'shop:write'].map((name) => ({ name, title: name }));
  const apis = [
    { identifier: orders, introspected_by: [service.clientId] },
    { identifier: stock, introspected_by: [next.clientId], token_lifetime: 3600 },
    {
      identifier: price,
      introspected_by: [service.clientId],
      token_format: 'opaque',
      scopes: scopes.slice(0, 1),
    },
  ];
  for (const api of apis) await registerApi(world.services, { name: 'Shop', scopes, ...api });
  app = await openRelyingParty(world, { resources: [orders] });
});
afterAll(() => world.close());

async function tokenOf(whose = account, scope = 'openid shop:read shop:write'): Promise<string> {
  const person = world.person();
  const attempt = app.asks({ scope, resource: orders });
  await person.goes(attempt.url);
  await person.submits({ identifier: whose.identifier, password: whose.password });
  if (!person.left) await person.decides('allow');
  const code = arrivalOf(person).searchParams.get('code') ?? '';
  return String((await app.redeems(code, attempt, { resource: orders })).json['access_token']);
}

const exchanges = (who: RelyingParty, subject: string, more: Record<string, string> = {}) =>
  who.posts('token', {
    grant_type: grantType,
    subject_token: subject,
    subject_token_type: accessToken,
    resource: stock,
    ...more,
  });

describe('a service of ours', () => {
  it('gets a token for the next API, for the same person, that says who acts', async () => {
    const subject = await tokenOf();
    const { status, json } = await exchanges(service, subject, { scope: 'shop:read' });
    expect(status).toBe(200);
    expect(json).toMatchObject({ token_type: 'Bearer', issued_token_type: accessToken, scope: 'shop:read' });
    expect(json).not.toHaveProperty('refresh_token');
    // Never longer than what it was made from.
    expect(Number(json['expires_in'])).toBeLessThanOrEqual(300);
    expect(claimsOf(json['access_token'])).toMatchObject({
      aud: stock,
      sub: claimsOf(subject)['sub'],
      client_id: app.clientId,
      scope: 'shop:read',
      act: { sub: service.clientId },
      auth_time: claimsOf(subject)['auth_time'],
    });
    expect(await next.introspects(String(json['access_token']))).toMatchObject({
      active: true,
      act: { sub: service.clientId },
    });
    await flushAudit(world.services);
    const [event] = await listEvents(world.services, { types: ['tokens.exchanged'], limit: 1 });
    expect(event).toMatchObject({
      accountId: account.accountId,
      clientId: service.clientId,
      detail: { app: app.clientId, resource: stock, scopes: ['shop:read'] },
    });
  });

  it('may pass on for another that showed it a token of its own', async () => {
    const { json: machine } = await next.posts('token', {
      grant_type: 'client_credentials',
      resource: orders,
    });
    const actor = { actor_token: String(machine['access_token']), actor_token_type: accessToken };
    const { json } = await exchanges(service, await tokenOf(), actor);
    expect(claimsOf(json['access_token'])['act']).toEqual({ sub: next.clientId });
  });

  it('gets what the token and the API have in common, and no more', async () => {
    const both = await exchanges(service, await tokenOf(), { resource: price });
    expect(both.json['scope']).toBe('shop:read');
    const subject = await tokenOf(account, 'openid shop:read');
    const wider = await exchanges(service, subject, { scope: 'shop:write' });
    expect(wider.json['error']).toBe('invalid_scope');
    expect((await exchanges(service, subject, { scope: 'openid' })).json['error']).toBe('invalid_scope');
  });

  it('may exchange what was exchanged, each with the actors before it, and not for ever', async () => {
    let token = await tokenOf();
    const route: [RelyingParty, string][] = [
      [service, stock],
      [next, orders],
      [service, stock],
    ];
    for (const [who, to] of route) {
      const { json } = await exchanges(who, token, { resource: to });
      token = String(json['access_token']);
    }
    const { clientId: a } = service;
    expect(claimsOf(token)['act']).toEqual({ sub: a, act: { sub: next.clientId, act: { sub: a } } });
    const fourth = await exchanges(next, token, { resource: orders });
    expect([fourth.status, fourth.json['error']]).toEqual([400, 'invalid_request']);
  });

  it('loses it with the grant of the app, with the person, and with the app', async () => {
    for (const ending of [
      (whose: TestAccount) => revokeGrants(world.services, { accountId: whose.accountId }),
      (whose: TestAccount) =>
        suspendAccount(world.services, { accountId: whose.accountId, reason: '' } as never),
    ]) {
      const whose = await world.account();
      const subject = await tokenOf(whose);
      const jwt = String((await exchanges(service, subject)).json['access_token']);
      const opaque = String((await exchanges(service, subject, { resource: price })).json['access_token']);
      expect(await next.introspects(jwt)).toMatchObject({ active: true });
      expect(await service.introspects(opaque)).toMatchObject({
        active: true,
        act: { sub: service.clientId },
      });
      await ending(whose);
      expect(await next.introspects(jwt)).toEqual({ active: false });
      expect(await service.introspects(opaque)).toEqual({ active: false });
      expect((await exchanges(service, subject)).json['error']).toBe('invalid_request');
    }
  });

  it.each<[string, Record<string, string>, string]>([
    ['for an API that nobody registered', { resource: 'https://other.test' }, 'invalid_target'],
    ['for two APIs', { audience: price }, 'invalid_target'],
    [
      'of another type',
      { subject_token_type: 'urn:ietf:params:oauth:token-type:id_token' },
      'invalid_request',
    ],
    [
      'into a refresh token',
      { requested_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' },
      'invalid_request',
    ],
    ['with an actor of no type', { actor_token: 'x' }, 'invalid_request'],
    ['with an actor that nobody is', { actor_token: 'x', actor_token_type: accessToken }, 'invalid_request'],
    ['that is none', { subject_token: 'a.b.c' }, 'invalid_request'],
  ])('may not exchange one %s', async (_, spoiled, error) => {
    expect((await exchanges(service, await tokenOf(), spoiled)).json['error']).toBe(error);
  });

  it.each<[string, (subject: string) => Promise<string> | string]>([
    ['that somebody else signed', (subject) => signedBy(newKeys(), headerOf(subject), claimsOf(subject))],
    ['that brings its own key', (subject) => withOwnKey(claimsOf(subject))],
    ['of another issuer', (subject) => withOwnKey({ ...claimsOf(subject), iss: 'https://other.test' })],
    ['that nobody signed', (subject) => `${part({ alg: 'none', typ: 'at+jwt' })}.${subject.split('.')[1]}.`],
    ['that was changed', (subject) => subject.replace(/\.[^.]+\./, `.${part(moreOf(subject))}.`)],
    ['that is an ID token', async () => String((await app.signsIn(world.person(), account)).id_token)],
    ['that is a refresh token', async () => String((await lasting()).refresh_token)],
    ['for UserInfo', async () => (await lasting()).access_token],
  ])('may not exchange one %s', async (_, made) => {
    const { status, json } = await exchanges(service, await made(await tokenOf()));
    expect([status, json['error']]).toEqual([400, 'invalid_request']);
  });

  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const moreOf = (subject: string) => ({ ...claimsOf(subject), sub: 'somebody-else' });
  const signedBy = (keys: Keys, header: object, claims: object) => signJwt(header, claims, keys.privateKey);
  const lasting = () => app.signsIn(world.person(), account, { scope: 'openid offline_access' });
  function withOwnKey(claims: object): string {
    const keys = newKeys();
    return signedBy(
      keys,
      { alg: 'ES256', typ: 'at+jwt', jwk: keys.publicKey.export({ format: 'jwk' }) },
      claims,
    );
  }

  it('may not exchange one that is over', async () => {
    const subject = await tokenOf();
    world.advance(301_000);
    expect((await exchanges(service, subject)).json['error']).toBe('invalid_request');
  });

  it('may not exchange what was not made for it', async () => {
    const subject = await tokenOf();
    expect((await exchanges(next, subject)).json['error']).toBe('invalid_request');
    const { json } = await service.posts('token', { grant_type: 'client_credentials', resource: orders });
    const machine = String(json['access_token']);
    expect((await exchanges(service, machine)).json['error']).toBe('invalid_request');
  });

  it('binds the new token to its own key, or to its own certificate, where it has one', async () => {
    const authority = openAuthority();
    const certificate = authority.selfSigned().certificate.raw;
    const bytes = { 'client-cert': `:${certificate.toString('base64')}:` };
    const own = { first_party: true, redirect_uris: [], response_types: [], grant_types: [grantType] };
    const kinds = [
      { dpop_bound_access_tokens: true },
      { tls_client_certificate_bound_access_tokens: true },
    ] as const;
    for (const kind of kinds) {
      const signing = await openSigningApp(world, { ...own, ...kind, resources: [stock] });
      const changes = { introspected_by: [service.clientId, signing.clientId] };
      await reviseApi(world.services, { identifier: orders, changes });
      const form = { grant_type: grantType, subject_token: await tokenOf(), subject_token_type: accessToken };
      const asks = (headers: Record<string, string>) =>
        signing.posts('/token', { ...form, resource: stock, ...signing.assertion() }, headers);
      expect((await asks({})).status).toBe(400);
      const byKey = 'dpop_bound_access_tokens' in kind;
      const { json } = await asks(byKey ? { dpop: signing.proof('/token') } : bytes);
      const thumbprint = byKey
        ? { jkt: expect.stringMatching(/^[\w-]{43}$/) }
        : { 'x5t#S256': createHash('sha256').update(certificate).digest('base64url') };
      expect([json['token_type'], claimsOf(json['access_token'])['cnf']]).toEqual([
        byKey ? 'DPoP' : 'Bearer',
        thumbprint,
      ]);
    }
    authority.close();
  });

  it('is one of ours for as long as it may exchange', async () => {
    const { clientId } = service;
    const changed = await changeClient(world.services, { clientId, changes: { first_party: false } });
    expect(changed).toMatchObject({ ok: false, reason: 'not_accepted' });
  });

  it('that is disabled may do nothing', async () => {
    const stopped = await openRelyingParty(world, {
      first_party: true,
      redirect_uris: [],
      response_types: [],
      grant_types: [grantType],
      resources: [stock],
    });
    await disableClient(world.services, { clientId: stopped.clientId, reason: '' });
    expect((await exchanges(stopped, await tokenOf())).status).toBe(401);
  });
});

describe('an app of others', () => {
  it('cannot be registered for it, and is refused when it tries', async () => {
    const metadata = { redirect_uris: ['https://a.test/cb'], grant_types: ['authorization_code', grantType] };
    expect(checkClientMetadata(metadata)).toMatchObject({ ok: false });
    const { json } = await exchanges(app, await tokenOf());
    expect(json['error']).toMatch(/invalid_request|unauthorized_client/);
  });
});
