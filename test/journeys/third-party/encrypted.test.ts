import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as jose from 'jose';
import * as oauth from 'oauth4webapi';
import * as client from 'openid-client';
import { registerClient } from '../../../src/actions/register-client.ts';
import { comesBack } from '../../support/relying-party.ts';
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
  const key = ({ publicKey }: { publicKey: KeyObject }, kid: string, use = 'enc') => ({
    ...publicKey.export({ format: 'jwk' }),
    kid,
    use,
  });
  const added = await registerClient(world.services, {
    clientId: 'clinic',
    metadata: {
      client_name: 'Clinic',
      redirect_uris: [redirectUri],
      jwks: { keys: [key(curve, 'curve'), key(rsa, 'rsa'), key(signing, 'signs', 'sig')] },
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

const parts = (token: unknown) => String(token).split('.').length;

/**
 * Neither library encrypts what it sends; jose does it for them, to the key that discovery leads to (RFC 9101 section 6.1).
 */
async function hidden(
  request: string,
  { jwks_uri = '' }: { jwks_uri?: string | undefined },
): Promise<string> {
  const { keys } = (await (await fetch(jwks_uri)).json()) as { keys: jose.JWK[] };
  const key = keys.find(({ use }) => use === 'enc') as jose.JWK;
  return new jose.CompactEncrypt(new TextEncoder().encode(request))
    .setProtectedHeader({ alg: 'ECDH-ES', enc: 'A256GCM', cty: 'oauth-authz-req+jwt', kid: String(key.kid) })
    .encrypt(await jose.importJWK(key, 'ECDH-ES'));
}

const signing = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const signer = () =>
  crypto.subtle.importKey(
    'jwk',
    signing.privateKey.export({ format: 'jwk' }) as JsonWebKey,
    { name: 'ECDSA', namedCurve: 'P-256' },
    false,
    ['sign'],
  );

describe('an app on openid-client with keys to read by', () => {
  let config: client.Configuration;
  beforeAll(async () => {
    const auth = client.ClientSecretBasic(clientSecret);
    config = await client.discovery(new URL(world.issuer), 'clinic', asked, auth, {
      execute: [client.allowInsecureRequests],
    });
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
  });

  const newRequest = async (pkceCodeVerifier: string) => ({
    redirect_uri: redirectUri,
    scope: 'openid email',
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
  });

  it('reads its ID token, claims and what it is told about tokens', async () => {
    const pkceCodeVerifier = client.randomPKCECodeVerifier();
    const url = client.buildAuthorizationUrl(config, await newRequest(pkceCodeVerifier));
    const tokens = await client.authorizationCodeGrant(config, await comesBack(world, url, account), {
      pkceCodeVerifier,
      idTokenExpected: true,
    });
    expect(parts(tokens.id_token)).toBe(5);
    const sub = String(tokens.claims()?.sub);
    expect((await client.fetchUserInfo(config, tokens.access_token, sub)).email).toBe(account.identifier);
    expect(await client.tokenIntrospection(config, tokens.access_token)).toMatchObject({ active: true, sub });
  });

  it('asks in a request that nobody on the way reads, and reads the answer (JAR, JARM)', async () => {
    client.useJwtResponseMode(config);
    const pkceCodeVerifier = client.randomPKCECodeVerifier();
    const own = { key: await signer(), kid: 'signs' };
    const url = await client.buildAuthorizationUrlWithJAR(config, await newRequest(pkceCodeVerifier), own);
    const request = await hidden(String(url.searchParams.get('request')), config.serverMetadata());
    expect(parts(request)).toBe(5);
    url.searchParams.set('request', request);
    const arrived = await comesBack(world, url, account);
    expect(parts(arrived.searchParams.get('response'))).toBe(5);
    const checks = { pkceCodeVerifier, idTokenExpected: true };
    const tokens = await client.authorizationCodeGrant(config, arrived, checks);
    expect(tokens.claims()).toMatchObject({ iss: world.issuer, aud: 'clinic' });
  });
});

describe('an app on oauth4webapi with keys to read by', () => {
  const clinic = { client_id: 'clinic', ...asked };
  const insecure = { [oauth.allowInsecureRequests]: true };
  const reading = {
    [oauth.jweDecrypt]: async (jwe: string) => {
      const { kid } = jose.decodeProtectedHeader(jwe);
      const { plaintext } = await jose.compactDecrypt(jwe, kid === 'rsa' ? rsa.privateKey : curve.privateKey);
      return new TextDecoder().decode(plaintext);
    },
    ...insecure,
  };

  it('asks unread, and reads an answer that came by the address bar (JAR, JARM), its ID token, claims and introspection', async () => {
    const issuer = new URL(world.issuer);
    const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));
    const auth = oauth.ClientSecretBasic(clientSecret);
    const verifier = oauth.generateRandomCodeVerifier();
    const state = oauth.generateRandomState();
    const params = {
      redirect_uri: redirectUri,
      response_type: 'code',
      response_mode: 'jwt',
      scope: 'openid email',
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
    };
    const own = { key: await signer(), kid: 'signs' };
    const request = await hidden(await oauth.issueRequestObject(as, clinic, params, own), as);
    const sent = await oauth.pushedAuthorizationRequest(as, clinic, auth, { request }, insecure);
    const { request_uri } = await oauth.processPushedAuthorizationResponse(as, clinic, sent);
    const url = new URL(String(as.authorization_endpoint));
    url.search = String(new URLSearchParams({ client_id: 'clinic', request_uri }));
    const arrived = await comesBack(world, url, account);
    expect(parts(arrived.searchParams.get('response'))).toBe(5);
    const answered = await oauth.validateJwtAuthResponse(as, clinic, arrived, state, reading);
    const answer = await oauth.authorizationCodeGrantRequest(
      as,
      clinic,
      auth,
      answered,
      redirectUri,
      verifier,
      insecure,
    );
    const tokens = await oauth.processAuthorizationCodeResponse(as, clinic, answer, {
      requireIdToken: true,
      ...reading,
    });
    expect(parts(tokens.id_token)).toBe(5);
    const { sub = '' } = oauth.getValidatedIdTokenClaims(tokens) ?? {};

    const read = await oauth.userInfoRequest(as, clinic, tokens.access_token, insecure);
    expect(read.headers.get('content-type')).toMatch(/^application\/jwt/);
    expect((await oauth.processUserInfoResponse(as, clinic, sub, read, reading)).email).toBe(
      account.identifier,
    );
    const looked = { requestJwtResponse: true, ...insecure };
    const told = await oauth.introspectionRequest(as, clinic, auth, tokens.access_token, looked);
    const known = await oauth.processIntrospectionResponse(as, clinic, told, reading);
    expect(known).toMatchObject({ active: true, sub });
  });
});
