import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import { checkClientMetadata } from '../../clients/registry/metadata.ts';
import { newKeys, openSigningApp, type SigningApp } from '../support/signing-app.ts';
import { grantType } from '../support/tills.ts';
import { openWorld, type TestAccount, type World } from '../support/world.ts';

/** The FAPI profile of CIBA, rule by rule: apps of high assurance that ask a person by name. */
const high = {
  high_assurance: true,
  grant_types: [grantType],
  redirect_uris: [],
  backchannel_token_delivery_mode: 'poll',
  backchannel_authentication_request_signing_alg: 'ES256',
};

let world: World;
let app: SigningApp;
let account: TestAccount;
beforeAll(async () => {
  world = await openWorld();
  app = await openSigningApp(world, { ...high, redirect_uris: ['https://bank.example.test/callback'] });
  account = await world.account();
});
afterAll(() => world.close());

/** What the request object says; a member that is undefined is not in it. */
function requestOf(more: Record<string, unknown> = {}): string {
  const { identifier: login_hint } = account;
  const plain = { response_type: undefined, redirect_uri: undefined, state: undefined };
  const pkce = { code_challenge: undefined, code_challenge_method: undefined };
  const asked = {
    login_hint,
    binding_message: 'PAY 12',
    acr_values: 'urn:latchkey:acr:1fa',
    jti: randomUUID(),
  };
  return app.request({ ...plain, ...pkce, ...asked, ...more });
}

async function ask(form: Record<string, string>) {
  const { status, json } = await app.posts('/backchannel', { ...app.assertion(), ...form });
  return { status, error: json['error'], auth_req_id: String(json['auth_req_id']) };
}

async function poll(auth_req_id: string, headers: Record<string, string> = {}) {
  const form = { grant_type: grantType, auth_req_id, ...app.assertion() };
  const first = await app.posts('/token', form, headers);
  if (first.json['error'] !== 'use_dpop_nonce') return first;
  const proof = app.proof('/token', { nonce: app.nonce });
  return app.posts('/token', { ...form, ...app.assertion() }, { dpop: proof });
}

describe('an app of high assurance that asks a person by name (FAPI-CIBA)', () => {
  it('is not registered without a signature on its requests, nor for push', () => {
    const jwks = { keys: [newKeys().publicKey.export({ format: 'jwk' })] };
    const asked = { ...high, token_endpoint_auth_method: 'private_key_jwt', jwks };
    const { backchannel_authentication_request_signing_alg: _alg, ...unsigned } = asked;
    expect(checkClientMetadata(asked)).toMatchObject({ ok: true });
    expect(checkClientMetadata(unsigned)).toMatchObject({ ok: false });
    expect(checkClientMetadata({ ...asked, backchannel_token_delivery_mode: 'push' })).toMatchObject({
      ok: false,
    });
  });

  it('must sign, name a short life, and give the person something to compare (5.2.2)', async () => {
    const { identifier: login_hint } = account;
    const plain = { scope: 'openid', login_hint, binding_message: 'PAY 12' };
    expect(await ask(plain)).toMatchObject({ status: 400, error: 'invalid_request' });
    for (const spoilt of [
      { binding_message: undefined },
      { exp: undefined },
      { nbf: undefined },
      { jti: undefined },
      { aud: 'https://elsewhere.example.test' },
      { exp: Math.floor(Date.now() / 1000) + 7200 },
    ]) {
      const { status, error } = await ask({ request: requestOf(spoilt) });
      expect([spoilt, status, error]).toEqual([spoilt, 400, 'invalid_request']);
    }
  });

  it('gets tokens that are bound to its key, and the level it asked for', async () => {
    const { status, auth_req_id } = await ask({ request: requestOf() });
    expect(status).toBe(200);
    const person = world.person();
    await person.goes(`${world.issuer}/account/requests/${auth_req_id.slice(0, 22)}`);
    await person.signsIn(account);
    await person.goes(`${world.issuer}/account/requests/${auth_req_id.slice(0, 22)}`);
    expect(person.text).toContain('PAY 12');
    await person.decides('allow');
    const { json: bare } = await poll(auth_req_id);
    expect(bare['error']).toBe('invalid_grant');
    const { json } = await poll(auth_req_id, { dpop: app.proof('/token') });
    expect(json).toMatchObject({ token_type: 'DPoP' });
    expect(decodeJwt(String(json['id_token']))).toMatchObject({ acr: 'urn:latchkey:acr:1fa', amr: ['pwd'] });
  });
});
