import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as oauth from 'oauth4webapi';
import * as client from 'openid-client';
import { registerClient } from '../../../src/actions/register-client.ts';
import { openWorld, type TestAccount, type World } from '../../support/world.ts';

/** A television on openid-client and on oauth4webapi (RFC 8628), as their examples have it. */
const scope = 'openid email offline_access';
let world: World;
let account: TestAccount;
beforeAll(async () => {
  world = await openWorld();
  account = await world.account();
  const added = await registerClient(world.services, {
    clientId: 'television',
    metadata: {
      client_name: 'Television',
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
      response_types: [],
      redirect_uris: [],
    },
  });
  if (!added.ok) throw new Error(JSON.stringify(added));
});
afterAll(() => world.close());

type Codes = Pick<oauth.DeviceAuthorizationResponse, 'user_code' | 'verification_uri'>;

/** On a telephone, by the code that the television shows. */
async function answers({ user_code, verification_uri }: Codes, decision: 'allow' | 'deny'): Promise<void> {
  const person = world.person();
  await person.goes(verification_uri);
  await person.submits({ user_code });
  await person.signsIn(account);
  if (person.heading === 'Connect a device') await person.submits({ user_code });
  expect(person.text).toContain('Television');
  await person.decides(decision);
}

describe('a television on openid-client', () => {
  const discovered = () =>
    client.discovery(new URL(world.issuer), 'television', undefined, client.None(), {
      execute: [client.allowInsecureRequests],
    });

  it('is let in, knows by whom, and stays', async () => {
    const config = await discovered();
    const asked = await client.initiateDeviceAuthorization(config, { scope });
    await answers(asked, 'allow');
    const tokens = await client.pollDeviceAuthorizationGrant(config, asked);
    const claims = await client.fetchUserInfo(config, tokens.access_token, String(tokens.claims()?.sub));
    expect(claims.email).toBe(account.identifier);
    const again = await client.refreshTokenGrant(config, String(tokens.refresh_token));
    expect(again.scope).toBe(scope);
  });

  it('is told when the person says no', async () => {
    const config = await discovered();
    const asked = await client.initiateDeviceAuthorization(config, { scope });
    await answers(asked, 'deny');
    // It would wait five seconds before it asks; the person has answered.
    const polled = client.pollDeviceAuthorizationGrant(config, { ...asked, interval: 0.1 });
    await expect(polled).rejects.toMatchObject({ error: 'access_denied' });
  });
});

describe('a television on oauth4webapi', () => {
  it('waits until it is let in', async () => {
    const insecure = { [oauth.allowInsecureRequests]: true };
    const issuer = new URL(world.issuer);
    const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));
    const television = { client_id: 'television' };
    const answer = await oauth.deviceAuthorizationRequest(as, television, oauth.None(), { scope }, insecure);
    const asked = await oauth.processDeviceAuthorizationResponse(as, television, answer);
    const poll = async () => {
      const { device_code } = asked;
      const polled = await oauth.deviceCodeGrantRequest(as, television, oauth.None(), device_code, insecure);
      return oauth.processDeviceCodeResponse(as, television, polled);
    };
    await expect(poll()).rejects.toMatchObject({ error: 'authorization_pending' });
    await expect(poll()).rejects.toMatchObject({ error: 'slow_down' });
    await answers(asked, 'allow');
    world.advance(30_000);
    const tokens = await poll();
    expect(oauth.getValidatedIdTokenClaims(tokens)).toMatchObject({
      iss: world.issuer,
      aud: 'television',
    });
  });
});
