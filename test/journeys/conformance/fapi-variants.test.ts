import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Authority, type Issued, openAuthority } from '../../support/certificates.ts';
import { claimsOf, openSigningApp, type SigningApp, seconds } from '../../support/signing-app.ts';
import { send } from '../../support/wire.ts';
import { openWorld, type TestAccount, type World } from '../../support/world.ts';

/**
 * The four variants of the plan "FAPI 2.0 Security Profile", each plain and as Message Signing: how the app proves itself,
 * by what its tokens are bound, and that either alone is not enough.
 */
let world: World;
let authority: Authority;
let account: TestAccount;
beforeAll(async () => {
  authority = openAuthority();
  world = await openWorld({ MTLS_HEADER: 'client-cert', MTLS_CA: authority.own.files.pem });
  account = await world.account();
});
afterAll(async () => {
  await world?.close();
  authority.close();
});

/** As RFC 9440 section 2.1 writes it. */
const shown = ({ certificate }: Issued) => ({ 'client-cert': `:${certificate.raw.toString('base64')}:` });
const signed = {
  require_signed_request_object: true,
  authorization_signed_response_alg: 'ES256',
  introspection_signed_response_alg: 'ES256',
};
const variants = ['private_key_jwt', 'tls_client_auth'].flatMap((auth) =>
  ['DPoP', 'mTLS'].flatMap((bound) => ['plain', 'signed'].map((kind) => ({ auth, bound, kind }))),
);

describe.each(variants)('$auth, tokens bound by $bound, $kind', ({ auth, bound, kind }) => {
  let app: SigningApp;
  let own: Issued;
  let other: Issued;
  beforeAll(async () => {
    const name = `${auth}-${bound}-${kind}`;
    own = authority.issues({ subject: `/O=Example/CN=${name}` });
    other = authority.issues({ subject: '/O=Example/CN=somebody else' });
    app = await openSigningApp(world, {
      high_assurance: true,
      grant_types: ['authorization_code', 'refresh_token'],
      token_endpoint_auth_method: auth,
      ...(auth === 'tls_client_auth' ? { tls_client_auth_subject_dn: `CN=${name},O=Example` } : {}),
      ...(bound === 'mTLS' ? { tls_client_certificate_bound_access_tokens: true } : {}),
      ...(kind === 'signed' ? signed : {}),
    });
    if (auth === 'tls_client_auth' || bound === 'mTLS') app.headers = shown(own);
  });

  const proves = () => (auth === 'private_key_jwt' ? app.assertion() : { client_id: app.clientId });

  /** A code, by a request and an answer that are signed where the variant has it so. */
  async function getsCode(): Promise<string> {
    const scope = 'openid email offline_access';
    const form =
      kind === 'signed' ? { request: app.request({ scope, response_mode: 'jwt' }) } : app.params({ scope });
    const { status, json } = await app.posts('/par', { ...proves(), ...form });
    expect(status).toBe(201);
    const asked = new URLSearchParams({ client_id: app.clientId, request_uri: String(json['request_uri']) });
    const url = `${world.issuer}/authorize?${asked}`;
    const { searchParams } = await app.visits(world.person(), account, url);
    if (kind === 'plain') return searchParams.get('code') ?? '';
    expect([...searchParams.keys()]).toEqual(['response']);
    return String(claimsOf(searchParams.get('response'))['code']);
  }

  async function asks(form: Record<string, string>, headers: Record<string, string> = {}) {
    const tries = (dpop: object) => app.posts('/token', { ...proves(), ...form }, { ...dpop, ...headers });
    if (bound === 'mTLS') return tries({});
    if (!app.nonce) await tries({ dpop: app.proof('/token') });
    return tries({ dpop: app.proof('/token', { nonce: app.nonce }) });
  }

  const redeems = (code: string, headers?: Record<string, string>) =>
    asks(
      {
        grant_type: 'authorization_code',
        code,
        redirect_uri: app.redirectUri,
        code_verifier: app.verifier,
      },
      headers,
    );

  /** UserInfo with what the variant binds tokens by: this certificate, or a proof of the app's key. */
  function reads(token: string, { bare = false, certificate = own } = {}) {
    const ath = createHash('sha256').update(token).digest('base64url');
    const proof = { dpop: app.proof('/userinfo', { ath }, { method: 'GET' }) };
    const headers =
      bound === 'DPoP'
        ? { authorization: `${bare ? 'Bearer' : 'DPoP'} ${token}`, ...(bare ? {} : proof) }
        : { authorization: `Bearer ${token}`, ...(bare ? {} : shown(certificate)) };
    return send(`${world.issuer}/userinfo`, { headers });
  }

  it('signs in, calls and refreshes, and its tokens are nothing without what binds them', async () => {
    const first = await redeems(await getsCode());
    const type = bound === 'DPoP' ? 'DPoP' : 'Bearer';
    expect([first.status, first.json['token_type']]).toEqual([200, type]);
    expect(claimsOf(first.json['id_token'])).toMatchObject({ aud: app.clientId });
    const refresh_token = String(first.json['refresh_token']);
    const fresh = await asks({ grant_type: 'refresh_token', refresh_token });
    expect(fresh.status).toBe(200);
    for (const { json } of [first, fresh]) {
      const token = String(json['access_token']);
      expect((await reads(token)).json).toMatchObject({ email: account.identifier });
      expect([400, 401]).toContain((await reads(token, { bare: true })).status);
      if (bound === 'mTLS') expect((await reads(token, { certificate: other })).status).toBe(401);
      const told = await app.posts('/introspect', { ...proves(), token });
      const thumbprint = bound === 'DPoP' ? 'jkt' : 'x5t#S256';
      expect(told.json).toMatchObject({ active: true, cnf: { [thumbprint]: expect.any(String) } });
    }
  });

  it('gets nothing when the certificate, or who it is, is another or missing', async () => {
    const code = await getsCode();
    if (auth === 'tls_client_auth') {
      for (const wrong of [{ 'client-cert': '' }, shown(other)])
        expect(await redeems(code, wrong)).toMatchObject({ status: 401, json: { error: 'invalid_client' } });
    } else if (bound === 'mTLS') {
      const without = await redeems(code, { 'client-cert': '' });
      expect([without.status, without.json['error']]).toEqual([400, 'invalid_grant']);
    }
    const anonymous = await app.posts(
      '/par',
      { ...app.params(), client_assertion: 'x' },
      { 'client-cert': '' },
    );
    expect([400, 401]).toContain(anonymous.status);
    expect((await redeems(code)).status).toBe(200);
  });

  it(`takes a request that is ${kind === 'signed' ? 'signed only' : 'plain'}`, async () => {
    const answer = await app.posts('/par', { ...proves(), ...app.params() });
    expect(answer.status).toBe(kind === 'signed' ? 400 : 201);
    if (kind === 'plain') return;
    const late = { response_mode: 'jwt', nbf: seconds() - 120, exp: seconds() - 60 };
    const over = await app.posts('/par', { ...proves(), request: app.request(late) });
    expect(over.json['error']).toBe('invalid_request_object');
  });
});
