import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as jose from 'jose';
import * as oauth from 'oauth4webapi';
import * as client from 'openid-client';
import { registerClient } from '../../../src/actions/register-client.ts';
import { answerEverything, arrivalOf } from '../../support/relying-party.ts';
import { openWorld, type TestAccount, type World } from '../../support/world.ts';

/** An app that nobody on the way can read the answers of: ID tokens, claims, answers in the address bar, introspection. */
const redirectUri = 'https://clinic.example.test/callback';
const curve = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const asked = {
  id_token_signed_response_alg: 'ES256',
  id_token_encrypted_response_alg: 'ECDH-ES+A256KW',
  id_token_encrypted_response_enc: 'A256GCM',
  userinfo_signed_response_alg: 'PS256',
  userinfo_encrypted_response_alg: 'RSA-OAEP-256',
  userinfo_encrypted_response_enc: 'A128CBC-HS256',
  introspection_signed_response_alg: 'EdDSA',
  introspection_encrypted_response_alg: 'ECDH-ES',
};
let world: World;
let account: TestAccount;
let clientSecret: string;
beforeAll(async () => {
  world = await openWorld();
  account = await world.account();
  const key = ({ publicKey }: { publicKey: KeyObject }, kid: string) => ({
    ...publicKey.export({ format: 'jwk' }),
    kid,
    use: 'enc',
  });
  const added = await registerClient(world.services, {
    clientId: 'clinic',
    metadata: {
      client_name: 'Clinic',
      redirect_uris: [redirectUri],
      jwks: { keys: [key(curve, 'curve'), key(rsa, 'rsa')] },
      authorization_signed_response_alg: 'ES256',
      authorization_encrypted_response_alg: 'ECDH-ES',
      authorization_encrypted_response_enc: 'A256GCM',
      ...asked,
    },
  });
  if (!added.ok) throw new Error(JSON.stringify(added));
  clientSecret = String(added.clientSecret);
});
afterAll(() => world.close());

async function visits(url: URL): Promise<URL> {
  const person = world.person();
  await person.goes(url);
  await answerEverything(world, person, account);
  return arrivalOf(person);
}

const parts = (token: unknown) => String(token).split('.').length;

describe('an app on openid-client with keys to read by', () => {
  it('reads its ID token, claims and what it is told about tokens', async () => {
    const config = await client.discovery(
      new URL(world.issuer),
      'clinic',
      asked,
      client.ClientSecretBasic(clientSecret),
      {
        execute: [client.allowInsecureRequests],
      },
    );
    const ecdh = { name: 'ECDH', namedCurve: 'P-256' };
    const ownKey = await crypto.subtle.importKey(
      'jwk',
      curve.privateKey.export({ format: 'jwk' }) as JsonWebKey,
      ecdh,
      false,
      ['deriveBits'],
    );
    const oaep = { name: 'RSA-OAEP', hash: 'SHA-256' };
    const rsaKey = await crypto.subtle.importKey(
      'jwk',
      rsa.privateKey.export({ format: 'jwk' }) as JsonWebKey,
      oaep,
      false,
      ['decrypt', 'unwrapKey'],
    );
    client.enableDecryptingResponses(
      config,
      ['A256GCM', 'A128CBC-HS256'],
      { key: ownKey, kid: 'curve' },
      { key: rsaKey, kid: 'rsa' },
    );
    const pkceCodeVerifier = client.randomPKCECodeVerifier();
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri: redirectUri,
      scope: 'openid email',
      code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
    });
    const tokens = await client.authorizationCodeGrant(config, await visits(url), {
      pkceCodeVerifier,
      idTokenExpected: true,
    });
    expect(parts(tokens.id_token)).toBe(5);
    const sub = String(tokens.claims()?.sub);
    expect((await client.fetchUserInfo(config, tokens.access_token, sub)).email).toBe(account.identifier);
    expect(await client.tokenIntrospection(config, tokens.access_token)).toMatchObject({ active: true, sub });
  });
});

describe('an app on oauth4webapi with keys to read by', () => {
  it('reads an answer that came by the address bar (JARM) and its ID token', async () => {
    const insecure = { [oauth.allowInsecureRequests]: true };
    const issuer = new URL(world.issuer);
    const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));
    const clinic = { client_id: 'clinic', ...asked };
    const auth = oauth.ClientSecretBasic(clientSecret);
    const reading = {
      [oauth.jweDecrypt]: async (jwe: string) =>
        new TextDecoder().decode((await jose.compactDecrypt(jwe, curve.privateKey)).plaintext),
      ...insecure,
    };
    const verifier = oauth.generateRandomCodeVerifier();
    const state = oauth.generateRandomState();
    const url = new URL(String(as.authorization_endpoint));
    url.search = String(
      new URLSearchParams({
        client_id: 'clinic',
        redirect_uri: redirectUri,
        response_type: 'code',
        response_mode: 'jwt',
        scope: 'openid email',
        code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        state,
      }),
    );
    const arrived = await visits(url);
    expect(parts(arrived.searchParams.get('response'))).toBe(5);
    const params = await oauth.validateJwtAuthResponse(as, clinic, arrived, state, reading);
    const answer = await oauth.authorizationCodeGrantRequest(
      as,
      clinic,
      auth,
      params,
      redirectUri,
      verifier,
      insecure,
    );
    const tokens = await oauth.processAuthorizationCodeResponse(as, clinic, answer, {
      requireIdToken: true,
      ...reading,
    });
    expect(oauth.getValidatedIdTokenClaims(tokens)).toMatchObject({ iss: world.issuer, aud: 'clinic' });
  });
});
