import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as client from 'openid-client';
import { findConsent } from '../../../src/consents/consent.ts';
import { openRelyingParty, type RelyingParty } from '../../support/relying-party.ts';
import { headerOf, isSignedBy, type Jwks, payloadOf } from '../../support/signatures.ts';
import { send } from '../../support/wire.ts';
import { openWorld, type TestAccount, type World } from '../../support/world.ts';
import { wholePerson } from './whole-person.ts';

let world: World;
let account: TestAccount;
beforeAll(async () => {
  world = await openWorld();
  account = await wholePerson(world);
});
afterAll(() => world.close());

const asked = (claims: object) => ({ claims: JSON.stringify(claims) });

describe('the parameter claims (oidcc-claims-essential, OpenID Connect Core section 5.5)', () => {
  let app: RelyingParty;
  beforeAll(async () => {
    app = await openRelyingParty(world);
  });

  it('gives what was asked by name, where it was asked, and shows on the page what is then recorded', async () => {
    const person = world.person();
    const attempt = app.asks(
      asked({
        id_token: { email: null, auth_time: { essential: true } },
        userinfo: { name: { essential: true }, given_name: null },
      }),
    );
    await person.goes(attempt.url);
    await person.signsIn(account);
    expect(person.text).toContain('Ada King');
    expect(person.text).toContain('ada@example.test');
    expect(person.text).not.toContain('St James');
    await person.decides('allow');
    const tokens = await app.receives(person, attempt);
    const claims = payloadOf(String(tokens.id_token));
    expect(claims).toMatchObject({ email: 'ada@example.test', auth_time: expect.any(Number) });
    expect(claims).not.toHaveProperty('email_verified');
    const { json } = await app.userinfo(tokens.access_token);
    expect(json).toEqual({ sub: claims['sub'], name: 'Ada King', given_name: 'Ada' });
    const consent = await findConsent(world.services, {
      accountId: account.accountId,
      clientId: app.clientId,
    });
    expect(consent?.allowed).toEqual(['openid', 'profile', 'email']);

    // What was decided is not asked again, and what was not decided cannot be had without a page.
    const silent = { ...asked({ userinfo: { family_name: null } }), prompt: 'none' };
    const more = await app.signsIn(person, account, silent);
    expect((await app.userinfo(more.access_token)).json['family_name']).toBe('King');
    await person.goes(app.asks({ ...asked({ userinfo: { phone_number: null } }), prompt: 'none' }).url);
    expect(person.left?.searchParams.get('error')).toBe('consent_required');
  });

  it('gives nothing of what a person left out, however essential, and says no more than is so', async () => {
    const other = await openRelyingParty(world);
    const person = world.person();
    const attempt = other.asks(
      asked({ userinfo: { email: { essential: true }, phone_number: { value: '+1' } } }),
    );
    await person.goes(attempt.url);
    await person.signsIn(account);
    await person.decides('allow', { scope: ['phone'] });
    const tokens = await other.receives(person, attempt);
    const { json } = await other.userinfo(tokens.access_token);
    expect(json).toEqual({ sub: json['sub'], phone_number: '+491701234567' });
    expect(json).not.toHaveProperty('email');
  });

  it('tells somebody apart who must be signed in (sub with a value)', async () => {
    const person = world.person();
    const { id_token } = await app.signsIn(person, account);
    const sub = payloadOf(String(id_token))['sub'];
    const wanting = async (value: unknown) => {
      await person.goes(app.asks({ ...asked({ id_token: { sub: { value } } }), prompt: 'none' }).url);
      return person.left?.searchParams.get('error') ?? 'fine';
    };
    expect([await wanting(sub), await wanting('somebody-else')]).toEqual(['fine', 'login_required']);
  });

  it.each(['nonsense', '[]', '{"userinfo":[]}', '{"userinfo":{"email":"x"}}', '{"other":{}}'])(
    'refuses %s',
    async (claims) => {
      const person = await world.person().goes(app.asks({ claims }).url);
      expect(person.left?.searchParams.get('error')).toBe('invalid_request');
    },
  );
});

describe('what is signed and encrypted for an app alone', () => {
  const kinds = {
    rsa: {
      pair: generateKeyPairSync('rsa', { modulusLength: 2048 }),
      alg: 'RSA-OAEP-256',
      enc: 'A128CBC-HS256',
    },
    ec: { pair: generateKeyPairSync('ec', { namedCurve: 'P-256' }), alg: 'ECDH-ES', enc: 'A256GCM' },
  } as const;

  async function openApp(kind: keyof typeof kinds, more: object): Promise<RelyingParty> {
    const { pair, alg, enc } = kinds[kind];
    const jwk = { ...pair.publicKey.export({ format: 'jwk' }), kid: kind, use: 'enc', alg };
    const app = await openRelyingParty(world, { jwks: { keys: [jwk] }, ...more });
    const key = await toWebKey(pair.privateKey, alg);
    client.enableDecryptingResponses(app.config, [enc], { key, kid: kind, alg });
    client.allowInsecureRequests(app.config);
    return app;
  }

  async function toWebKey(key: KeyObject, alg: string) {
    const how =
      alg === 'ECDH-ES' ? { name: 'ECDH', namedCurve: 'P-256' } : { name: 'RSA-OAEP', hash: 'SHA-256' };
    const uses = alg === 'ECDH-ES' ? (['deriveBits'] as const) : (['decrypt'] as const);
    const pkcs8 = key.export({ format: 'der', type: 'pkcs8' });
    return crypto.subtle.importKey('pkcs8', new Uint8Array(pkcs8), how, false, [...uses]);
  }

  it.each(['rsa', 'ec'] as const)('is read by an unmodified openid-client with its %s key', async (kind) => {
    const { alg, enc } = kinds[kind];
    const app = await openApp(kind, {
      id_token_signed_response_alg: 'ES256',
      id_token_encrypted_response_alg: alg,
      id_token_encrypted_response_enc: enc,
      userinfo_signed_response_alg: 'PS256',
      userinfo_encrypted_response_alg: alg,
      userinfo_encrypted_response_enc: enc,
    });
    const tokens = await app.signsIn(world.person(), account, { scope: 'openid email' });
    expect(headerOf(String(tokens.id_token))).toMatchObject({ alg, enc, cty: 'JWT', kid: kind });
    const sub = String(tokens.claims()?.sub);
    const answer = await app.userinfo(tokens.access_token);
    expect([answer.status, answer.headers['content-type']]).toEqual([200, 'application/jwt; charset=utf-8']);
    expect(answer.text.split('.').length).toBe(5);
    const claims = await client.fetchUserInfo(app.config, tokens.access_token, sub);
    expect(claims).toMatchObject({ sub, email: 'ada@example.test', iss: world.issuer, aud: app.clientId });
  });

  it('is signed userinfo where only that was registered, by GET and by POST', async () => {
    const app = await openRelyingParty(world, { userinfo_signed_response_alg: 'EdDSA' });
    const { access_token } = await app.signsIn(world.person(), account, { scope: 'openid email' });
    const headers = { authorization: `Bearer ${access_token}` };
    const jwks = (await send(`${world.issuer}/jwks`)).json as Jwks;
    for (const method of ['GET', 'POST']) {
      const { text } = await send(app.endpoint('userinfo'), { method, headers });
      expect([headerOf(text).alg, isSignedBy(text, jwks)]).toEqual(['EdDSA', true]);
      expect(payloadOf(text)).toMatchObject({ email: 'ada@example.test' });
    }
  });

  it('is never left plain because the app has no key for it', async () => {
    const app = await openApp('rsa', { id_token_encrypted_response_alg: 'ECDH-ES' });
    const { code, attempt } = await app.getsCode(world.person(), account);
    const { status, json } = await app.redeems(code, attempt);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(json).not.toHaveProperty('id_token');
  });
});
