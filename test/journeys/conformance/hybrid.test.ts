import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { changeClient } from '../../../src/actions/change-client.ts';
import { registerClient } from '../../../src/actions/register-client.ts';
import { arrivalOf, openRelyingParty, type RelyingParty } from '../../support/relying-party.ts';
import { isSignedBy, type Jwks, payloadOf } from '../../support/signatures.ts';
import { send } from '../../support/wire.ts';
import { openWorld, type TestAccount, type World } from '../../support/world.ts';

/** What the plans "Implicit" and "Hybrid" look at, for an app that an operator allowed them. */
let world: World;
let app: RelyingParty;
let account: TestAccount;
beforeAll(async () => {
  world = await openWorld();
  account = await world.account();
  app = await openRelyingParty(world, {
    allow_implicit: true,
    grant_types: ['authorization_code', 'implicit'],
    response_types: [
      'code',
      'id_token',
      'id_token token',
      'code id_token',
      'code token',
      'code id_token token',
    ],
  });
});
afterAll(() => world.close());

async function answerTo(params: Record<string, string | undefined>): Promise<URLSearchParams> {
  const person = await world.person().goes(app.asks(params).url);
  if (!person.left) await person.signsIn(account);
  if (!person.left) await person.decides('allow');
  const arrival = arrivalOf(person);
  expect(arrival.search).toBe('');
  return new URLSearchParams(arrival.hash.slice(1));
}

/** OpenID Connect Core section 3.2.2.9. */
const half = (text: string) =>
  createHash('sha256').update(text).digest().subarray(0, 16).toString('base64url');

describe('an app that an operator allowed them', () => {
  it.each([
    ['id_token', []],
    ['id_token token', ['at_hash']],
    ['code id_token', ['c_hash']],
    ['code token', []],
    ['code id_token token', ['at_hash', 'c_hash']],
  ])(
    '%s answers in the fragment, and the ID token holds on to what stands beside it',
    async (response_type, hashes) => {
      const answer = await answerTo({ response_type });
      const idToken = answer.get('id_token');
      for (const name of ['code', 'id_token'])
        expect(answer.has(name)).toBe(response_type.split(' ').includes(name));
      expect(answer.has('access_token')).toBe(response_type.split(' ').includes('token'));
      if (answer.has('access_token')) {
        expect(answer.get('token_type')).toBe('Bearer');
        expect((await app.userinfo(String(answer.get('access_token')))).status).toBe(200);
      }
      if (!idToken) return;
      expect(isSignedBy(idToken, (await send(`${world.issuer}/jwks`)).json as Jwks)).toBe(true);
      const claims = payloadOf(idToken);
      expect(claims).toMatchObject({ iss: world.issuer, aud: app.clientId, nonce: expect.any(String) });
      const named = { at_hash: answer.get('access_token'), c_hash: answer.get('code') };
      for (const name of ['at_hash', 'c_hash'] as const)
        expect(claims[name]).toBe(hashes.includes(name) ? half(String(named[name])) : undefined);
    },
  );

  it('must send a nonce, and may not have it in the query (oidcc-ensure-request-without-nonce-fails)', async () => {
    const person = await world.person().goes(app.asks({ response_type: 'id_token', nonce: undefined }).url);
    expect(new URLSearchParams(arrivalOf(person).hash.slice(1)).get('error')).toBe('invalid_request');
    const query = await world
      .person()
      .goes(app.asks({ response_type: 'id_token', response_mode: 'query' }).url);
    expect(String(query.left ?? query.text)).toContain('invalid_request');
  });

  it('redeems the code of a hybrid answer with PKCE, and gets the same person', async () => {
    const attempt = app.asks({ response_type: 'code id_token' });
    const person = await world.person().goes(attempt.url);
    await person.signsIn(account);
    const answer = new URLSearchParams(arrivalOf(person).hash.slice(1));
    const code = String(answer.get('code'));
    const unproved = app.asks({
      response_type: 'code id_token',
      code_challenge: undefined,
      code_challenge_method: undefined,
    });
    await person.goes(unproved.url);
    expect(new URLSearchParams(arrivalOf(person).hash.slice(1)).get('error')).toBe('invalid_request');
    const { json } = await app.redeems(code, attempt);
    expect(payloadOf(String(json['id_token']))['sub']).toBe(payloadOf(String(answer.get('id_token')))['sub']);
  });
});

describe('what such an app was given', () => {
  it('ends with a code that comes twice, in the address bar as well as at /token (oidcc-codereuse)', async () => {
    const attempt = app.asks({ response_type: 'token code' });
    const person = await world.person().goes(attempt.url);
    await person.signsIn(account);
    const answer = new URLSearchParams(arrivalOf(person).hash.slice(1));
    const [code, token] = [String(answer.get('code')), String(answer.get('access_token'))];
    const redeemed = await app.redeems(code, attempt);
    expect((await app.userinfo(token)).status).toBe(200);
    expect((await app.redeems(code, attempt)).json['error']).toBe('invalid_grant');
    for (const one of [token, String(redeemed.json['access_token'])])
      expect((await app.userinfo(one)).status).toBe(401);
  });

  it('stands in the ID token where no access token comes, at UserInfo where one does (OpenID Connect Core section 5.4)', async () => {
    const inIdToken = async (response_type: string) => {
      const answer = await answerTo({ response_type, scope: 'openid email' });
      return payloadOf(String(answer.get('id_token')))['email'];
    };
    expect(await inIdToken('id_token')).toBe(account.identifier);
    for (const type of ['id_token token', 'code id_token']) expect(await inIdToken(type)).toBeUndefined();
  });

  it('may come in a form, and is over when an operator takes the flows away', async () => {
    const metadata = { allow_implicit: true, grant_types: ['authorization_code', 'implicit'] };
    const old = await openRelyingParty(world, { ...metadata, response_types: ['code', 'code id_token'] });
    const asks = { response_type: 'code id_token', response_mode: 'form_post' };
    const person = await world.person().goes(old.asks(asks).url);
    await person.signsIn(account);
    await person.decides('allow');
    const [form] = person.html.forms;
    expect(form?.action).toBe(old.redirectUri);
    expect(form?.controls.map(({ name }) => name)).toEqual(expect.arrayContaining(['code', 'id_token']));
    const { clientId } = old;
    const half = await changeClient(world.services, { clientId, changes: { allow_implicit: false } });
    expect(half).toMatchObject({ ok: false });
    const changes = {
      allow_implicit: false,
      grant_types: ['authorization_code'],
      response_types: ['code'],
    };
    expect(await changeClient(world.services, { clientId, changes })).toMatchObject({ ok: true });
    await person.goes(old.asks({ response_type: 'code id_token' }).url);
    expect(new URLSearchParams(arrivalOf(person).hash.slice(1)).get('error')).toBe('invalid_request');
  });
});

describe('everybody else', () => {
  it('does not hear of them, cannot register them, and is refused', async () => {
    const { json } = await send(`${world.issuer}/.well-known/openid-configuration`);
    expect(json).toMatchObject({ response_types_supported: ['code'] });
    expect(json['grant_types_supported']).not.toContain('implicit');
    const metadata = { redirect_uris: ['https://app.example.test/cb'], response_types: ['code id_token'] };
    expect(await registerClient(world.services, { metadata })).toMatchObject({ ok: false });
    const usual = await openRelyingParty(world);
    const person = await world.person().goes(usual.asks({ response_type: 'id_token' }).url);
    expect(new URLSearchParams(arrivalOf(person).hash.slice(1)).get('error')).toBe('invalid_request');
  });
});
