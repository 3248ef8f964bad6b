import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { checkClientMetadata } from '../../../clients/registry/metadata.ts';
import { openSigningApp, type SigningApp } from '../../support/signing-app.ts';
import { grantType } from '../../support/tills.ts';
import { send } from '../../support/wire.ts';
import { openWorld, type TestAccount, type World } from '../../support/world.ts';

/**
 * The plan "FAPI-CIBA" as the suite plays it: assertions for the endpoint that they are sent to, at the addresses where
 * certificates are asked for, and many requests in a row that have to fail.
 */
const issuer = 'https://op.example.test';
const alias = 'https://mtls.op.example.test';
const byName = {
  high_assurance: true,
  redirect_uris: [],
  grant_types: [grantType, 'refresh_token'],
  backchannel_token_delivery_mode: 'poll',
  backchannel_authentication_request_signing_alg: 'ES256',
};

let world: World;
let app: SigningApp;
let both: SigningApp;
let account: TestAccount;
beforeAll(async () => {
  world = await openWorld({
    ISSUER: issuer,
    PROFILE: 'conformance',
    CONFORMANCE_ISSUER: issuer,
    MTLS_HEADER: 'x-ssl-client-cert',
    MTLS_ORIGIN: alias,
    SMTP_URL: 'smtp://127.0.0.1:9',
    COOKIE_KEYS: 'k'.repeat(43),
  });
  app = await openSigningApp(world, byName);
  both = await openSigningApp(world, {
    ...byName,
    redirect_uris: ['https://both.example.test/callback'],
    grant_types: [grantType, 'authorization_code'],
  });
  account = await world.account();
});
afterAll(() => world.close());

/** What it asks for, at either name of an endpoint. */
async function posts(origin: string, path: string, form: Record<string, string>) {
  const { status, json } = await send(`${origin}${path}`, {
    body: new URLSearchParams(form),
    port: world.port,
    headers: { 'x-forwarded-for': '198.51.100.7' },
  });
  return { status, error: json['error'], auth_req_id: String(json['auth_req_id']) };
}

function asking(one: SigningApp, aud: string): Record<string, string> {
  const none = { response_type: undefined, redirect_uri: undefined, state: undefined };
  const pkce = { code_challenge: undefined, code_challenge_method: undefined };
  const asked = { login_hint: account.identifier, binding_message: '1234', jti: crypto.randomUUID() };
  return { ...one.assertion({ aud }), request: one.request({ ...none, ...pkce, ...asked }) };
}

describe('an app of high assurance that only asks people by name', () => {
  it('needs no redirect URI and no code grant', () => {
    const jwks = { keys: [app.keys.publicKey.export({ format: 'jwk' })] };
    const metadata = { ...byName, token_endpoint_auth_method: 'private_key_jwt', jwks };
    expect(checkClientMetadata(metadata)).toMatchObject({ ok: true });
  });

  it.each([
    ['the issuer', issuer, issuer],
    ['the token endpoint', issuer, `${issuer}/token`],
    ['the endpoint itself', issuer, `${issuer}/backchannel`],
    ['the endpoint by its first name, at the other', alias, `${issuer}/backchannel`],
    ['the token endpoint by its first name, at the other', alias, `${issuer}/token`],
    ['the endpoint by its other name', alias, `${alias}/backchannel`],
  ])('may address its assertion to %s (CIBA Core 7.1)', async (_, origin, aud) => {
    expect(await posts(origin, '/backchannel', asking(app, aud))).toMatchObject({ status: 200 });
  });

  it('may address it to the token endpoint by both names when it fetches', async () => {
    const { auth_req_id } = await posts(alias, '/backchannel', asking(app, issuer));
    for (const aud of [`${alias}/token`, `${issuer}/token`, issuer])
      expect(
        await posts(alias, '/token', { grant_type: grantType, auth_req_id, ...app.assertion({ aud }) }),
        // Who it is was settled by then: what is missing is what binds the token.
      ).toMatchObject({ status: 400, error: 'invalid_grant' });
  });

  it.each(['https://other.example.test', `${alias}/par`, 'https://other.example.test/token'])(
    'may not address it to %s',
    async (aud) => {
      expect(await posts(alias, '/backchannel', asking(app, aud))).toMatchObject({
        status: 401,
        error: 'invalid_client',
      });
    },
  );
});

describe('one that sends people round as well', () => {
  it('addresses its assertions to the issuer alone (FAPI 2.0 Security Profile 5.3.2.1)', async () => {
    expect(await posts(issuer, '/backchannel', asking(both, issuer))).toMatchObject({ status: 200 });
    for (const aud of [`${issuer}/backchannel`, `${issuer}/token`, `${alias}/token`])
      expect(await posts(alias, '/backchannel', asking(both, aud))).toMatchObject({
        error: 'invalid_client',
      });
  });
});

describe('the suite, which fails on purpose', () => {
  it('is not sent away for it', async () => {
    const wrong = () => posts(issuer, '/token', { grant_type: 'nothing', ...app.assertion({ aud: 'x' }) });
    for (let round = 0; round < 13; round += 1) {
      const answers = await Promise.all(Array.from({ length: 10 }, wrong));
      expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 401));
    }
  });
});
