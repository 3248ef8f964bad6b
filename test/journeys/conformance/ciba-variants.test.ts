import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Authority, type Issued, openAuthority } from '../../support/certificates.ts';
import {
  claimsOf,
  type Form,
  headerOf,
  newKeys,
  openSigningApp,
  type SigningApp,
  seconds,
} from '../../support/signing-app.ts';
import { send } from '../../support/wire.ts';
import { openWorld, type TestAccount, type World } from '../../support/world.ts';

/**
 * The variants of the plan "FAPI-CIBA": how the app proves itself, and how it learns that there is an answer. Its tokens are
 * bound to its certificate in each.
 */
const grantType = 'urn:openid:params:grant-type:ciba';
const notification = 'a-token-of-the-app-0123456789';
let world: World;
let authority: Authority;
let account: TestAccount;
let ear: Server;
let heard: { authorization: string | undefined; body: unknown }[] = [];
beforeAll(async () => {
  authority = openAuthority();
  const mtls = { MTLS_HEADER: 'client-cert', MTLS_CA: authority.own.files.pem };
  world = await openWorld({ ...mtls, ALLOW_LOOPBACK_FETCH: 'on' });
  ear = createServer(async (request, answer) => {
    const body = JSON.parse(Buffer.concat(await Array.fromAsync(request)).toString());
    heard.push({ authorization: request.headers.authorization, body });
    answer.writeHead(204).end();
  }).listen(0, '127.0.0.1');
  await once(ear, 'listening');
});
afterAll(async () => {
  ear.close();
  await world?.close();
  authority.close();
});

/** As RFC 9440 section 2.1 writes it. */
const shown = ({ certificate }: Issued) => ({ 'client-cert': `:${certificate.raw.toString('base64')}:` });
const variants = ['private_key_jwt', 'tls_client_auth'].flatMap((auth) =>
  ['poll', 'ping'].map((mode) => ({ auth, mode })),
);

describe.each(variants)('$auth, $mode', ({ auth, mode }) => {
  let app: SigningApp;
  let stranger: SigningApp;
  let own: Issued;
  let other: Issued;
  beforeAll(async () => {
    account = await world.account();
    other = authority.issues({ subject: '/O=Example/CN=somebody else' });
    const opens = async (name: string) => {
      const certificate = authority.issues({ subject: `/O=Example/CN=${name}` });
      const ping = {
        backchannel_client_notification_endpoint: `http://127.0.0.1:${(ear.address() as AddressInfo).port}/told`,
      };
      const opened = await openSigningApp(world, {
        high_assurance: true,
        redirect_uris: [],
        grant_types: [grantType, 'refresh_token'],
        token_endpoint_auth_method: auth,
        ...(auth === 'tls_client_auth' ? { tls_client_auth_subject_dn: `CN=${name},O=Example` } : {}),
        tls_client_certificate_bound_access_tokens: true,
        backchannel_token_delivery_mode: mode,
        ...(mode === 'ping' ? ping : {}),
        backchannel_authentication_request_signing_alg: 'ES256',
      });
      opened.headers = shown(certificate);
      return { opened, certificate };
    };
    ({ opened: app, certificate: own } = await opens(`${auth}-${mode}`));
    ({ opened: stranger } = await opens(`${auth}-${mode}-stranger`));
  });

  const proves = (who = app): Form =>
    auth === 'private_key_jwt' ? who.assertion() : { client_id: who.clientId };

  /** What is asked; a member that is undefined is not in it. */
  function requestOf(more: Record<string, unknown> = {}, how: Parameters<SigningApp['request']>[1] = {}) {
    const plain = { response_type: undefined, redirect_uri: undefined, state: undefined };
    const pkce = { code_challenge: undefined, code_challenge_method: undefined };
    const asked = {
      scope: 'openid email offline_access',
      login_hint: account.identifier,
      binding_message: 'PAY 12',
      ...(mode === 'ping' ? { client_notification_token: notification } : {}),
      jti: randomUUID(),
    };
    return app.request({ ...plain, ...pkce, ...asked, ...more }, how);
  }

  const asks = async (request = requestOf(), form: Form = proves(), headers = {}) => {
    const { status, json } = await app.posts('/backchannel', { ...form, request }, headers);
    return { status, error: json['error'], auth_req_id: String(json['auth_req_id']) };
  };
  const polls = (auth_req_id: string, { who = app, headers = {} } = {}) =>
    who.posts('/token', { grant_type: grantType, auth_req_id, ...proves(who) }, headers);

  async function answers(auth_req_id: string, decision: 'allow' | 'deny'): Promise<void> {
    const person = world.person();
    const page = `${world.issuer}/account/requests/${auth_req_id.slice(0, 22)}`;
    await person.goes(page);
    await person.signsIn(account);
    await person.goes(page);
    expect(person.text).toContain('PAY 12');
    await person.decides(decision);
  }

  async function isTold(auth_req_id: string): Promise<void> {
    for (let tries = 0; tries < 200 && heard.length === 0; tries += 1)
      await new Promise((looked) => setTimeout(looked, 20));
    expect(heard).toEqual([{ authorization: `Bearer ${notification}`, body: { auth_req_id } }]);
    heard = [];
  }

  function reads(token: unknown, headers: object) {
    return send(`${world.issuer}/userinfo`, { headers: { authorization: `Bearer ${token}`, ...headers } });
  }

  it('gets tokens once, for its certificate alone, and refreshes them', async () => {
    const { status, auth_req_id } = await asks();
    expect(status).toBe(200);
    expect((await polls(auth_req_id)).json['error']).toBe('authorization_pending');
    expect((await polls(auth_req_id)).json['error']).toBe('slow_down');
    await answers(auth_req_id, 'allow');
    if (mode === 'ping') await isTold(auth_req_id);

    for (const wrong of [{ 'client-cert': '' }, ...(auth === 'tls_client_auth' ? [shown(other)] : [])]) {
      const refused = auth === 'tls_client_auth' ? [401, 'invalid_client'] : [400, 'invalid_grant'];
      const answer = await polls(auth_req_id, { headers: wrong });
      expect([answer.status, answer.json['error']]).toEqual(refused);
    }
    const { json } = await polls(auth_req_id);
    expect(json).toMatchObject({ token_type: 'Bearer', refresh_token: expect.any(String) });
    expect(headerOf(json['id_token'])['alg']).toBe('ES256');
    expect(claimsOf(json['id_token'])).toMatchObject({ aud: app.clientId, amr: ['pwd'] });
    expect((await polls(auth_req_id)).json['error']).toBe('invalid_grant');

    const form = { grant_type: 'refresh_token', refresh_token: String(json['refresh_token']), ...proves() };
    const fresh = await app.posts('/token', form);
    for (const token of [json['access_token'], fresh.json['access_token']]) {
      expect((await reads(token, shown(own))).json).toMatchObject({ email: account.identifier });
      expect([(await reads(token, shown(other))).status, (await reads(token, {})).status]).toEqual([
        401, 401,
      ]);
    }
  });

  it('is told that the person said no, and that a request is over', async () => {
    const refused = await asks();
    await answers(refused.auth_req_id, 'deny');
    if (mode === 'ping') await isTold(refused.auth_req_id);
    expect((await polls(refused.auth_req_id)).json['error']).toBe('access_denied');
    const late = await asks(requestOf({ requested_expiry: 30 }));
    world.advance(31_000);
    expect((await polls(late.auth_req_id)).json['error']).toBe('expired_token');
  });

  it('fetches nothing for a request of another app, nor for none', async () => {
    const { auth_req_id } = await asks();
    for (const [who, id] of [
      [stranger, auth_req_id],
      [app, 'nothing'],
    ] as const)
      expect((await polls(id, { who })).json['error']).toBe('invalid_grant');
    expect((await polls(auth_req_id)).json['error']).toBe('authorization_pending');
  });

  it.each<[string, () => string]>([
    ...['aud', 'iss', 'exp', 'iat', 'nbf', 'jti'].map((name): [string, () => string] => [
      `without ${name}`,
      () => requestOf({ [name]: undefined }),
    ]),
    ['for another server', () => requestOf({ aud: 'https://elsewhere.example.test' })],
    ['of another app', () => requestOf({ iss: stranger.clientId })],
    ['that is over', () => requestOf({ nbf: seconds() - 120, exp: seconds() - 60 })],
    ['good for more than an hour', () => requestOf({ exp: seconds() + 3700 })],
    ['that was good an hour ago', () => requestOf({ nbf: seconds() - 3700 })],
    ['that is not good yet', () => requestOf({ nbf: seconds() + 60 })],
    ['signed by another key', () => requestOf({}, { keys: newKeys() })],
    ['signed by nothing', () => requestOf({}, { header: { alg: 'none' } })],
    ['that says RS256', () => requestOf({}, { header: { alg: 'RS256' } })],
    ['with two hints', () => requestOf({ id_token_hint: 'a.b.c' })],
    ['with no hint', () => requestOf({ login_hint: undefined })],
  ])('takes no request %s', async (_, request) => {
    const { status, error } = await asks(request());
    expect([status, error]).toEqual([400, 'invalid_request']);
  });

  it('takes no request of who does not prove who it is, and none without a token for the ping', async () => {
    const anonymous = await asks(requestOf(), { client_id: app.clientId }, { 'client-cert': '' });
    expect([anonymous.status, anonymous.error]).toEqual([401, 'invalid_client']);
    const foreign = await asks(requestOf(), proves(stranger), stranger.headers);
    expect([400, 401]).toContain(foreign.status);
    if (mode === 'poll') return;
    for (const client_notification_token of [undefined, 'two words', 'x'.repeat(1025)]) {
      const { status, error } = await asks(requestOf({ client_notification_token }));
      expect([status, error]).toEqual([400, 'invalid_request']);
    }
  });
});
