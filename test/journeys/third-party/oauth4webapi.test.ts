import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as oauth from 'oauth4webapi';
import { registerClient } from '../../../src/actions/register-client.ts';
import { arrivalOf, comesBack } from '../../support/relying-party.ts';
import { openWorld, type TestAccount, type World } from '../../support/world.ts';

/** An app on oauth4webapi that signs all it says and checks all it hears: the FAPI 2.0 example of that library, step by step. */
const redirectUri = 'https://vault.example.test/callback';
const insecure = { [oauth.allowInsecureRequests]: true };
const scope = 'openid email offline_access';

let world: World;
let account: TestAccount;
let as: oauth.AuthorizationServer;
let keys: oauth.CryptoKeyPair;
let client: oauth.Client;
let clientAuth: oauth.ClientAuth;
beforeAll(async () => {
  world = await openWorld();
  account = await world.account();
  const issuer = new URL(world.issuer);
  as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));
  keys = await oauth.generateKeyPair('ES256');
  await register('vault', {
    high_assurance: true,
    require_signed_request_object: true,
    authorization_signed_response_alg: 'ES256',
    introspection_signed_response_alg: 'ES256',
  });
  client = { client_id: 'vault', introspection_signed_response_alg: 'ES256' };
  clientAuth = oauth.PrivateKeyJwt({ key: keys.privateKey, kid: 'vault' });
});
afterAll(() => world.close());

async function register(clientId: string, metadata: object): Promise<void> {
  const jwk = await crypto.subtle.exportKey('jwk', keys.publicKey);
  const added = await registerClient(world.services, {
    clientId,
    metadata: {
      client_name: clientId,
      redirect_uris: [redirectUri],
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [{ kty: jwk.kty, crv: jwk.crv, x: jwk.x, y: jwk.y, kid: clientId, alg: 'ES256' }] },
      ...metadata,
    },
  });
  if (!added.ok) throw new Error(JSON.stringify(added));
}

type Proofs = Awaited<ReturnType<typeof newProofs>>;

async function newProofs() {
  return oauth.DPoP(client, await oauth.generateKeyPair('ES256'));
}

/** Once more when the server wants a nonce of its own in the proof, as the library's documentation has it. */
async function withNonce<Result>(step: () => Promise<Result>): Promise<Result> {
  return step().catch((problem) => {
    if (oauth.isDPoPNonceError(problem)) return step();
    throw problem;
  });
}

/** A signed request, pushed, to be answered by a signed answer. */
async function asks(DPoP: Proofs) {
  const codeVerifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const request = await oauth.issueRequestObject(
    as,
    client,
    {
      redirect_uri: redirectUri,
      response_type: 'code',
      response_mode: 'jwt',
      scope,
      code_challenge: await oauth.calculatePKCECodeChallenge(codeVerifier),
      code_challenge_method: 'S256',
      state,
    },
    { key: keys.privateKey, kid: 'vault' },
  );
  const pushed = await withNonce(async () => {
    const options = { DPoP, ...insecure };
    const answer = await oauth.pushedAuthorizationRequest(as, client, clientAuth, { request }, options);
    return oauth.processPushedAuthorizationResponse(as, client, answer);
  });
  const url = new URL(String(as.authorization_endpoint));
  url.search = String(new URLSearchParams({ client_id: client.client_id, request_uri: pushed.request_uri }));
  return { url, codeVerifier, state };
}

async function signsIn(DPoP: Proofs): Promise<oauth.TokenEndpointResponse> {
  const { url, codeVerifier, state } = await asks(DPoP);
  const arrived = await comesBack(world, url, account);
  expect([...arrived.searchParams.keys()]).toEqual(['response']);
  const params = await oauth.validateJwtAuthResponse(as, client, arrived, state, insecure);
  return withNonce(async () => {
    const answer = await oauth.authorizationCodeGrantRequest(
      as,
      client,
      clientAuth,
      params,
      redirectUri,
      codeVerifier,
      { DPoP, ...insecure },
    );
    const tokens = await oauth.processAuthorizationCodeResponse(as, client, answer, { requireIdToken: true });
    await oauth.validateApplicationLevelSignature(as, answer, insecure);
    return tokens;
  });
}

describe('an app on oauth4webapi that signs and binds everything (PAR, JAR, JARM, DPoP, private_key_jwt)', () => {
  it('signs in, calls, refreshes, looks and revokes', async () => {
    const DPoP = await newProofs();
    const tokens = await signsIn(DPoP);
    expect(tokens.token_type).toBe('dpop');
    const { sub } = oauth.getValidatedIdTokenClaims(tokens) ?? { sub: '' };

    const claims = await withNonce(async () => {
      const answer = await oauth.userInfoRequest(as, client, tokens.access_token, { DPoP, ...insecure });
      return oauth.processUserInfoResponse(as, client, sub, answer);
    });
    expect(claims.email).toBe(account.identifier);

    const refreshed = await withNonce(async () => {
      const refreshToken = String(tokens.refresh_token);
      const options = { DPoP, ...insecure };
      const answer = await oauth.refreshTokenGrantRequest(as, client, clientAuth, refreshToken, options);
      return oauth.processRefreshTokenResponse(as, client, answer);
    });
    expect(await looks(refreshed.access_token)).toMatchObject({ active: true, token_type: 'DPoP', sub });

    const refreshToken = String(refreshed.refresh_token ?? tokens.refresh_token);
    const revoked = await oauth.revocationRequest(as, client, clientAuth, refreshToken, insecure);
    await oauth.processRevocationResponse(revoked);
    expect((await looks(refreshed.access_token)).active).toBe(false);
  });

  /** The answer is a JWT, which the library decodes and checks (RFC 9701). */
  async function looks(token: string): Promise<oauth.IntrospectionResponse> {
    const options = { requestJwtResponse: true, ...insecure };
    const answer = await oauth.introspectionRequest(as, client, clientAuth, token, options);
    const told = await oauth.processIntrospectionResponse(as, client, answer);
    await oauth.validateApplicationLevelSignature(as, answer, insecure);
    return told;
  }

  it('is refused by name when its proof is of another key than its token', async () => {
    const tokens = await signsIn(await newProofs());
    const DPoP = await newProofs();
    const asked = withNonce(async () => {
      const answer = await oauth.userInfoRequest(as, client, tokens.access_token, { DPoP, ...insecure });
      return oauth.processUserInfoResponse(as, client, oauth.skipSubjectCheck, answer);
    });
    await expect(asked).rejects.toMatchObject({
      name: 'WWWAuthenticateChallengeError',
      cause: [{ scheme: 'dpop', parameters: { error: 'invalid_token' } }],
    });
  });

  it('is told in a signed answer that the person said no', async () => {
    const { url, state } = await asks(await newProofs());
    const person = world.person();
    await person.goes(url);
    await person.signsIn(await world.account());
    await person.decides('deny');
    const answer = oauth.validateJwtAuthResponse(as, client, arrivalOf(person), state, insecure);
    await expect(answer).rejects.toMatchObject({ error: 'access_denied' });
  });
});
