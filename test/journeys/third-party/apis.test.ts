import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as oauth from 'oauth4webapi';
import * as client from 'openid-client';
import { registerApi } from '../../../src/actions/register-api.ts';
import { registerClient } from '../../../src/actions/register-client.ts';
import { apiMetadata } from '../../../src/oidc/resources/api-metadata.ts';
import { type AppServer, listenForApp } from '../../support/app-server.ts';
import { answerEverything, arrivalOf } from '../../support/relying-party.ts';
import { openWorld, type World } from '../../support/world.ts';

/**
 * A bank's app on openid-client, and its API on oauth4webapi, which knows nothing but its own metadata document: a token for
 * that API alone (RFC 8707, RFC 9068) that says what it is for (RFC 9396), and the same person at the next API (RFC 8693).
 */
const redirectUri = 'https://app.example.test/callback';
const ledger = 'https://ledger.example.test';
const tokenExchange = 'urn:ietf:params:oauth:grant-type:token-exchange';
const accessToken = 'urn:ietf:params:oauth:token-type:access_token';
const insecure = { [oauth.allowInsecureRequests]: true };
const payment = { type: 'payment', amount: '12.50' };
let world: World;
let server: AppServer;
let bank: string;
let app: client.Configuration;
let service: client.Configuration;
beforeAll(async () => {
  [world, server] = await Promise.all([openWorld(), listenForApp()]);
  bank = `${server.origin}/bank`;
  app = await discovered('app', { redirect_uris: [redirectUri], resources: [bank] });
  const own = { first_party: true, redirect_uris: [], response_types: [], resources: [ledger] };
  service = await discovered('bank', { ...own, grant_types: [tokenExchange] });
  const scopes = [{ name: 'bank:pay', title: 'Pay' }];
  const kind = { type: 'payment', title: 'Pay once', fields: [{ name: 'amount', title: 'Amount' }] };
  const ofBank = { identifier: bank, name: 'Bank', scopes, authorization_details_types: [kind] };
  const added = await registerApi(world.services, { ...ofBank, introspected_by: ['bank'] });
  if (!added.ok) throw new Error(JSON.stringify(added));
  expect(await registerApi(world.services, { identifier: ledger, name: 'Ledger', scopes })).toMatchObject({
    ok: true,
  });
  server.serve((_, response) =>
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify(apiMetadata(world.services, added.api))),
  );
  // A kind that is new is known to a server that runs a moment later.
  while (!(await discovered('')).serverMetadata()['authorization_details_types_supported']) await sleep(20);
});
afterAll(async () => {
  await server?.stop();
  await world?.close();
});

async function discovered(clientId: string, metadata?: object): Promise<client.Configuration> {
  const added = metadata && (await registerClient(world.services, { clientId, metadata }));
  if (added && !added.ok) throw new Error(JSON.stringify(added));
  const options = { execute: [client.allowInsecureRequests] };
  return client.discovery(
    new URL(world.issuer),
    clientId || 'nobody',
    added?.clientSecret,
    undefined,
    options,
  );
}

/** What the API makes of a token that it is shown, from its own metadata document (RFC 9728) on. */
async function readAt(resource: string, token: string, shown?: Request) {
  const address = new URL(bank);
  const answer = await oauth.resourceDiscoveryRequest(address, insecure);
  const { authorization_servers = [] } = await oauth.processResourceDiscoveryResponse(address, answer);
  const issuer = new URL(String(authorization_servers[0]));
  const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));
  const asked = shown ?? new Request(resource, { headers: { authorization: `Bearer ${token}` } });
  return oauth.validateJwtAccessToken(as, asked, resource, insecure);
}

async function signsIn(options: client.DPoPOptions = {}) {
  const pkceCodeVerifier = client.randomPKCECodeVerifier();
  const url = client.buildAuthorizationUrl(app, {
    redirect_uri: redirectUri,
    scope: 'openid bank:pay',
    resource: bank,
    authorization_details: JSON.stringify([payment]),
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
  });
  const person = world.person();
  await person.goes(url);
  await answerEverything(world, person, await world.account());
  const checks = { pkceCodeVerifier };
  return client.authorizationCodeGrant(app, arrivalOf(person), checks, { resource: bank }, options);
}

describe('an app on openid-client and its API on oauth4webapi', () => {
  it('understand each other by a token for that API and for one payment', async () => {
    const tokens = await signsIn();
    expect(tokens.authorization_details).toEqual([payment]);
    const claims = await readAt(bank, tokens.access_token);
    expect(claims).toMatchObject({ client_id: 'app', scope: 'bank:pay', authorization_details: [payment] });
    await expect(readAt(ledger, tokens.access_token)).rejects.toThrow();
  });

  it('know by a proof that the token is in the hands of the app (RFC 9449 section 7)', async () => {
    const DPoP = client.getDPoPHandle(app, await client.randomDPoPKeyPair());
    const { access_token } = await signsIn({ DPoP });
    const calls = async (handle: client.DPoPHandle) => {
      const shown: Request[] = [];
      app[client.customFetch] = async (url, { method, headers }) => {
        shown.push(new Request(url, { method, headers }));
        return new Response();
      };
      await client.fetchProtectedResource(app, access_token, new URL(bank), 'GET', null, undefined, {
        DPoP: handle,
      });
      app[client.customFetch] = (url, options) => fetch(url, options as RequestInit);
      return readAt(bank, access_token, shown[0]);
    };
    expect(await calls(DPoP)).toMatchObject({ client_id: 'app', cnf: { jkt: expect.any(String) } });
    const thief = client.getDPoPHandle(app, await client.randomDPoPKeyPair());
    await expect(calls(thief)).rejects.toThrow();
    await expect(readAt(bank, access_token)).rejects.toThrow();
  });

  it('pass the person on to the next API, by the request for grants of any kind', async () => {
    // Neither library has a function for token exchange.
    const tokens = await signsIn();
    const asked = { subject_token: tokens.access_token, subject_token_type: accessToken, resource: ledger };
    const next = await client.genericGrantRequest(service, tokenExchange, asked);
    expect(next).toMatchObject({ issued_token_type: accessToken, scope: 'bank:pay' });
    expect(await readAt(ledger, next.access_token)).toMatchObject({
      sub: (await readAt(bank, tokens.access_token)).sub,
      act: { sub: 'bank' },
    });
    const foreign = client.genericGrantRequest(service, tokenExchange, { ...asked, subject_token: 'x' });
    await expect(foreign).rejects.toMatchObject({ error: 'invalid_request' });
  });
});
