import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as client from 'openid-client';
import { registerClient } from '../../../src/actions/register-client.ts';
import { comesBack } from '../../support/relying-party.ts';
import { openWorld, type TestAccount, type World } from '../../support/world.ts';

/** Flows that only an operator lets an old app have (OpenID Connect Core sections 3.2 and 3.3), through openid-client. */
const redirectUri = 'https://legacy.example.test/callback';
let world: World;
let account: TestAccount;
let clientSecret: string;
beforeAll(async () => {
  world = await openWorld();
  account = await world.account();
  const added = await registerClient(world.services, {
    clientId: 'legacy',
    metadata: {
      client_name: 'Legacy',
      redirect_uris: [redirectUri],
      allow_implicit: true,
      grant_types: ['authorization_code', 'implicit'],
      response_types: ['code', 'id_token', 'code id_token'],
    },
  });
  if (!added.ok) throw new Error(JSON.stringify(added));
  clientSecret = String(added.clientSecret);
});
afterAll(() => world.close());

async function discovered(flow: (config: client.Configuration) => void): Promise<client.Configuration> {
  return client.discovery(new URL(world.issuer), 'legacy', clientSecret, undefined, {
    execute: [client.allowInsecureRequests, flow],
  });
}

describe('an old app on openid-client', () => {
  it('gets an ID token with its code (hybrid)', async () => {
    const config = await discovered(client.useCodeIdTokenResponseType);
    const pkceCodeVerifier = client.randomPKCECodeVerifier();
    const [expectedNonce, expectedState] = [client.randomNonce(), client.randomState()];
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri: redirectUri,
      scope: 'openid email',
      code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
      nonce: expectedNonce,
      state: expectedState,
    });
    const arrived = await comesBack(world, url, account);
    expect(arrived.hash).toContain('id_token=');
    const checks = { pkceCodeVerifier, expectedNonce, expectedState };
    const tokens = await client.authorizationCodeGrant(config, arrived, checks);
    expect(tokens.claims()).toMatchObject({ iss: world.issuer, aud: 'legacy' });
  });

  it('gets an ID token and nothing else (implicit)', async () => {
    const config = await discovered(client.useIdTokenResponseType);
    const [expectedNonce, expectedState] = [client.randomNonce(), client.randomState()];
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri: redirectUri,
      scope: 'openid email',
      nonce: expectedNonce,
      state: expectedState,
    });
    const claims = await client.implicitAuthentication(
      config,
      await comesBack(world, url, account),
      expectedNonce,
      {
        expectedState,
      },
    );
    expect(claims).toMatchObject({ iss: world.issuer, aud: 'legacy', email: account.identifier });
  });
});
