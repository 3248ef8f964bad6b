import { createHash } from 'node:crypto';
import { request as httpsRequest } from 'node:https';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { registerApi } from '../../src/actions/register-api.ts';
import { type Authority, type Issued, openAuthority } from '../support/certificates.ts';
import { startNginx } from '../support/nginx.ts';
import { freePort, type TestServer } from '../support/servers.mjs';
import { claimsOf, type Form, openSigningApp, type SigningApp } from '../support/signing-app.ts';
import { send } from '../support/wire.ts';
import { openWorld, type TestAccount, type World } from '../support/world.ts';

/** Apps that authenticate by certificate, and tokens bound to it (RFC 8705). */
let world: World;
let authority: Authority;
let account: TestAccount;
let byAuthority: SigningApp;
let own: Issued;
let selfSigned: Issued;
let bySelf: SigningApp;
let origin: string;
beforeAll(async () => {
  authority = openAuthority();
  origin = `https://localhost:${await freePort()}`;
  world = await openWorld({
    MTLS_HEADER: 'client-cert',
    MTLS_CA: authority.own.files.pem,
    MTLS_ORIGIN: origin,
  });
  account = await world.account();
  own = authority.issues({ subject: '/O=Example/CN=payments' });
  byAuthority = await openSigningApp(world, {
    token_endpoint_auth_method: 'tls_client_auth',
    tls_client_auth_subject_dn: 'CN=payments,O=Example',
    tls_client_certificate_bound_access_tokens: true,
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
  });
  selfSigned = authority.selfSigned({ subject: '/CN=alone' });
  const jwk = {
    ...selfSigned.certificate.publicKey.export({ format: 'jwk' }),
    x5c: [selfSigned.certificate.raw.toString('base64')],
  };
  bySelf = await openSigningApp(world, {
    token_endpoint_auth_method: 'self_signed_tls_client_auth',
    jwks: { keys: [jwk] },
    grant_types: ['authorization_code', 'client_credentials'],
  });
});
afterAll(async () => {
  await world.close();
  authority.close();
});

/** As RFC 9440 section 2.1 writes it. */
const shown = ({ certificate }: Issued) => ({ 'client-cert': `:${certificate.raw.toString('base64')}:` });
const machine: Form = { grant_type: 'client_credentials' };
const asks = (app: SigningApp, headers: Record<string, string>) =>
  app.posts('/token', { ...machine, client_id: app.clientId }, headers);

describe('an app with a certificate of an authority', () => {
  it('is let in, and its tokens are good with that certificate only', async () => {
    byAuthority.headers = shown(own);
    const url = await byAuthority.posts('/par', byAuthority.params({ client_id: byAuthority.clientId }));
    const { request_uri } = url.json as { request_uri: string };
    const asked = new URLSearchParams({ client_id: byAuthority.clientId, request_uri });
    const arrived = await byAuthority.visits(world.person(), account, `${world.issuer}/authorize?${asked}`);
    const { json } = await byAuthority.posts('/token', {
      grant_type: 'authorization_code',
      code: arrived.searchParams.get('code') ?? '',
      client_id: byAuthority.clientId,
      redirect_uri: byAuthority.redirectUri,
      code_verifier: byAuthority.verifier,
    });
    expect(json).toMatchObject({ token_type: 'Bearer' });
    const authorization = `Bearer ${json['access_token']}`;
    const userinfo = (headers: object) =>
      send(`${world.issuer}/userinfo`, { headers: { authorization, ...headers } });
    expect((await userinfo(shown(own))).status).toBe(200);
    expect((await userinfo(shown(selfSigned))).status).toBe(401);
    expect((await userinfo({})).status).toBe(401);
    const form = { client_id: byAuthority.clientId, token: String(json['access_token']) };
    const told = await byAuthority.posts('/introspect', form);
    expect(told.json).toMatchObject({ active: true, cnf: { 'x5t#S256': expect.any(String) } });
  });

  it.each<[string, () => Issued]>([
    ['of another name', () => authority.issues({ subject: '/O=Example/CN=others' })],
    ['that nobody issued', () => authority.selfSigned({ subject: '/O=Example/CN=payments' })],
    [
      'that is for servers',
      () => authority.issues({ subject: '/O=Example/CN=payments', uses: 'serverAuth' }),
    ],
    ['that issues others', () => authority.issues({ subject: '/O=Example/CN=payments', ca: true })],
    ['that is over', () => authority.issues({ subject: '/O=Example/CN=payments', days: 0 })],
  ])('is not let in with one %s', async (_, make) => {
    expect((await asks(byAuthority, shown(make()))).status).toBe(401);
  });

  it.each<[string, () => Record<string, string>]>([
    ['none', () => ({ 'client-cert': '' })],
    [
      'two in one header',
      () => ({ 'client-cert': `${shown(own)['client-cert']}, ${shown(own)['client-cert']}` }),
    ],
    ['one as nginx writes it', () => ({ 'client-cert': encodeURIComponent(own.pem) })],
    ['something else', () => ({ 'client-cert': ':AAAA:' })],
    [
      'one in the header of the other kind of proxy',
      () => ({ 'client-cert': '', 'x-ssl-client-cert': encodeURIComponent(own.pem) }),
    ],
  ])('is not let in when the proxy passes %s', async (_, headers) => {
    expect((await asks(byAuthority, headers())).status).toBe(401);
  });

  it('is not let in by a header that no proxy of ours sent', async () => {
    const open = await openWorld({
      MTLS_HEADER: 'client-cert',
      MTLS_CA: authority.own.files.pem,
      TRUSTED_PROXIES: '192.0.2.1',
    });
    const app = await openSigningApp(open, {
      token_endpoint_auth_method: 'tls_client_auth',
      tls_client_auth_subject_dn: 'CN=payments,O=Example',
      grant_types: ['client_credentials'],
      redirect_uris: [],
    });
    expect((await asks(app, shown(own))).status).toBe(401);
    await open.close();
  });
});

describe('an app with a certificate of its own', () => {
  it('is let in with that one and no other', async () => {
    expect((await asks(bySelf, shown(selfSigned))).status).toBe(200);
    expect((await asks(bySelf, shown(authority.selfSigned({ subject: '/CN=alone' })))).status).toBe(401);
    expect((await asks(bySelf, {})).status).toBe(401);
  });
});

describe('what is bound to a certificate', () => {
  it('says so to an API that reads it by itself (section 3.1)', async () => {
    const identifier = 'https://ledger.example.test';
    await registerApi(world.services, { identifier, name: 'Ledger', open_to_all: true });
    const form = { ...machine, client_id: byAuthority.clientId, resource: identifier };
    const { json } = await byAuthority.posts('/token', form, shown(own));
    const thumbprint = createHash('sha256').update(own.certificate.raw).digest('base64url');
    expect(claimsOf(json['access_token'])).toMatchObject({
      aud: identifier,
      cnf: { 'x5t#S256': thumbprint },
    });
  });

  it('is the refresh token of a public app as well (section 4)', async () => {
    const open = await openSigningApp(world, {
      token_endpoint_auth_method: 'none',
      jwks: undefined,
      tls_client_certificate_bound_access_tokens: true,
    });
    const asked = new URLSearchParams(open.params({ scope: 'openid offline_access' }));
    const arrived = await open.visits(world.person(), account, `${world.issuer}/authorize?${asked}`);
    const form = {
      grant_type: 'authorization_code',
      code: arrived.searchParams.get('code') ?? '',
      client_id: open.clientId,
      redirect_uri: open.redirectUri,
      code_verifier: open.verifier,
    };
    const { json } = await open.posts('/token', form, shown(own));
    const refresh = {
      grant_type: 'refresh_token',
      client_id: open.clientId,
      refresh_token: String(json['refresh_token']),
    };
    for (const wrong of [{}, shown(selfSigned)])
      expect((await open.posts('/token', refresh, wrong)).json['error']).toBe('invalid_grant');
    expect((await open.posts('/token', refresh, shown(own))).status).toBe(200);
  });
});

describe('the address with certificates', () => {
  it('is at the same paths as the endpoints at the issuer', async () => {
    const { json } = await send(`${world.issuer}/.well-known/openid-configuration`);
    for (const [name, address] of Object.entries(json['mtls_endpoint_aliases'] as object)) {
      const { pathname } = new URL(String(address));
      expect([name, `${world.issuer}${pathname}`]).toEqual([name, json[name]]);
      const there = { headers: { host: new URL(origin).host }, port: world.port, method: 'POST' };
      expect([name, (await send(`${world.issuer}${pathname}`, there)).status]).not.toEqual([name, 421]);
    }
  });

  it('is named in discovery, has the endpoints, and shows no page', async () => {
    const { json } = await send(`${world.issuer}/.well-known/openid-configuration`);
    expect(json).toMatchObject({
      token_endpoint_auth_methods_supported: expect.arrayContaining([
        'tls_client_auth',
        'self_signed_tls_client_auth',
      ]),
      tls_client_certificate_bound_access_tokens: true,
      mtls_endpoint_aliases: { token_endpoint: `${origin}/token`, userinfo_endpoint: `${origin}/userinfo` },
    });
    const there = { headers: { host: new URL(origin).host }, port: world.port };
    expect((await send(`${world.issuer}/token`, { ...there, method: 'POST' })).status).toBe(400);
    for (const page of ['/authorize', '/account', '/interaction/x', '/jwks'])
      expect([page, (await send(`${world.issuer}${page}`, there)).status]).toEqual([page, 421]);
  });
});

describe('behind nginx, with real TLS', () => {
  let nginx: TestServer;
  let behind: World;
  let app: SigningApp;
  let place: string;
  beforeAll(async () => {
    const server = authority.issues({ subject: '/CN=localhost', san: 'DNS:localhost', uses: 'serverAuth' });
    const port = await freePort();
    place = `https://localhost:${port}`;
    behind = await openWorld({ MTLS_HEADER: 'x-ssl-client-cert', MTLS_ORIGIN: place });
    app = await openSigningApp(behind, {
      high_assurance: true,
      token_endpoint_auth_method: 'tls_client_auth',
      tls_client_auth_san_dns: 'payments.example.test',
      tls_client_certificate_bound_access_tokens: true,
    });
    nginx = await startNginx({
      port,
      upstream: behind.port,
      server,
      clientAuthority: authority.own.files.pem,
    });
  });
  afterAll(async () => {
    await nginx?.stop();
    await behind?.close();
  });

  function post(at: string, form: Form, shows: Issued | undefined, headers: Record<string, string> = {}) {
    return new Promise<{ status: number; json: Record<string, unknown> }>((resolve, reject) => {
      const text = new URLSearchParams(form).toString();
      const sent = httpsRequest(`${place}${at}`, {
        method: 'POST',
        ca: authority.own.pem,
        agent: false,
        ...(shows ? { cert: shows.pem, key: shows.key } : {}),
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      });
      sent.on('error', reject);
      sent.on('response', async (answer) => {
        const body = Buffer.concat(await Array.fromAsync(answer)).toString();
        resolve({ status: answer.statusCode ?? 0, json: JSON.parse(body || '{}') });
      });
      sent.end(text);
    });
  }

  it('an app of high assurance signs people in with its certificate alone', async () => {
    const certificate = authority.issues({ san: 'DNS:payments.example.test' });
    const pushed = await post('/par', app.params(), certificate);
    expect(pushed).toMatchObject({ status: 201 });
    const asked = new URLSearchParams({
      client_id: app.clientId,
      request_uri: String(pushed.json['request_uri']),
    });
    const someone = await behind.account();
    const arrived = await app.visits(behind.person(), someone, `${behind.issuer}/authorize?${asked}`);
    const form = {
      grant_type: 'authorization_code',
      code: arrived.searchParams.get('code') ?? '',
      client_id: app.clientId,
      redirect_uri: app.redirectUri,
      code_verifier: app.verifier,
    };
    const tokens = await post('/token', form, certificate);
    expect(tokens).toMatchObject({ status: 200 });
    expect(claimsOf(tokens.json['id_token'])).toMatchObject({ aud: app.clientId });
  });

  it('what the client writes into the headers itself is worth nothing', async () => {
    const certificate = authority.issues({ san: 'DNS:payments.example.test' });
    const forged = {
      'x-ssl-client-cert': encodeURIComponent(certificate.pem),
      'x-ssl-client-verify': 'SUCCESS',
    };
    expect((await post('/par', app.params(), undefined, forged)).status).toBe(401);
    const unknown = authority.selfSigned({ san: 'DNS:payments.example.test' });
    expect((await post('/par', app.params(), unknown, forged)).status).toBe(401);
  });
});
