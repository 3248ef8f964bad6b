import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as client from 'openid-client';
import { registerClient } from '../../../src/actions/register-client.ts';
import type { Person } from '../../support/person.ts';
import { arrivalOf } from '../../support/relying-party.ts';
import { openWorld, type TestAccount, type World } from '../../support/world.ts';

/** The journey of an app, in the words of openid-client's own documentation and with its defaults. */
const redirectUri = 'https://app.example.test/callback';
const goodbye = 'https://app.example.test/goodbye';

let world: World;
let account: TestAccount;
let config: client.Configuration;
beforeAll(async () => {
  world = await openWorld();
  account = await world.account({ profile: { name: 'Ana García' } });
  const metadata = {
    client_name: 'Paperplane',
    redirect_uris: [redirectUri],
    post_logout_redirect_uris: [goodbye],
  };
  const added = await registerClient(world.services, { clientId: 'paperplane', metadata });
  if (!added.ok) throw new Error(JSON.stringify(added));
  const options = { execute: [client.allowInsecureRequests] };
  config = await client.discovery(
    new URL(world.issuer),
    'paperplane',
    added.clientSecret,
    undefined,
    options,
  );
});
afterAll(() => world.close());

async function comesBack(person: Person, url: URL): Promise<URL> {
  await person.goes(url);
  if (!person.left && person.heading === 'Sign in') await person.signsIn(account);
  if (!person.left) await person.decides('allow');
  return arrivalOf(person);
}

describe('an app on openid-client', () => {
  it('discovers, signs in, reads claims, refreshes, looks, revokes and signs out', async () => {
    const person = world.person();
    const pkceCodeVerifier = client.randomPKCECodeVerifier();
    const [expectedState, expectedNonce] = [client.randomState(), client.randomNonce()];
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri: redirectUri,
      scope: 'openid profile email offline_access',
      code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
      state: expectedState,
      nonce: expectedNonce,
    });
    const arrived = await comesBack(person, url);
    const checks = { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true };
    const tokens = await client.authorizationCodeGrant(config, arrived, checks);
    expect(tokens.claims()).toMatchObject({ iss: world.issuer, aud: 'paperplane' });
    // A name for this company's apps alone (OpenID Connect Core section 8.1).
    const sub = String(tokens.claims()?.sub);
    expect(sub).not.toBe(account.accountId);

    const claims = await client.fetchUserInfo(config, tokens.access_token, sub);
    expect(claims).toMatchObject({ name: 'Ana García', email: account.identifier, email_verified: true });

    const again = await client.refreshTokenGrant(config, String(tokens.refresh_token));
    expect(again.refresh_token).not.toBe(tokens.refresh_token);
    expect(await client.tokenIntrospection(config, again.access_token)).toMatchObject({
      active: true,
      sub,
    });
    await client.tokenRevocation(config, String(again.refresh_token));
    expect(await client.tokenIntrospection(config, again.access_token)).toEqual({ active: false });

    const end = client.buildEndSessionUrl(config, {
      post_logout_redirect_uri: goodbye,
      id_token_hint: String(tokens.id_token),
    });
    await person.goes(end);
    await person.submits({ logout: 'yes' });
    expect(person.left?.href).toBe(goodbye);
  });

  it('pushes its request first (PAR, RFC 9126)', async () => {
    const pkceCodeVerifier = client.randomPKCECodeVerifier();
    const url = await client.buildAuthorizationUrlWithPAR(config, {
      redirect_uri: redirectUri,
      scope: 'openid email',
      code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
    });
    expect([...url.searchParams.keys()].sort()).toEqual(['client_id', 'request_uri']);
    const arrived = await comesBack(world.person(), url);
    const tokens = await client.authorizationCodeGrant(config, arrived, { pkceCodeVerifier });
    expect(tokens.scope).toBe('openid email');
  });

  it('gets ID tokens signed with ES256 where it asked for those', async () => {
    const metadata = {
      client_name: 'Elliptic',
      redirect_uris: [redirectUri],
      id_token_signed_response_alg: 'ES256',
    };
    const added = await registerClient(world.services, { clientId: 'elliptic', metadata });
    if (!added.ok) throw new Error(JSON.stringify(added));
    const elliptic = await client.discovery(
      new URL(world.issuer),
      'elliptic',
      { client_secret: String(added.clientSecret), id_token_signed_response_alg: 'ES256' },
      undefined,
      { execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks] },
    );
    const pkceCodeVerifier = client.randomPKCECodeVerifier();
    const url = client.buildAuthorizationUrl(elliptic, {
      redirect_uri: redirectUri,
      scope: 'openid',
      code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
    });
    const arrived = await comesBack(world.person(), url);
    const tokens = await client.authorizationCodeGrant(elliptic, arrived, {
      pkceCodeVerifier,
      idTokenExpected: true,
    });
    const [header = ''] = String(tokens.id_token).split('.');
    expect(JSON.parse(Buffer.from(header, 'base64url').toString())).toMatchObject({ alg: 'ES256' });
  });
});
