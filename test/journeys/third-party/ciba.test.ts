import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as oauth from 'oauth4webapi';
import * as client from 'openid-client';
import { registerClient } from '../../../src/actions/register-client.ts';
import { atRequest } from '../../support/tills.ts';
import { openWorld, type TestAccount, type World } from '../../support/world.ts';

/** A till that asks a customer by name, on openid-client and on oauth4webapi (OpenID CIBA Core 1.0, poll and ping). */
let world: World;
let account: TestAccount;
let clientSecret: string;
let ear: Server;
let told: string[] = [];
beforeAll(async () => {
  world = await openWorld({ ALLOW_LOOPBACK_FETCH: 'on' });
  ear = createServer(async (request, answer) => {
    const body = Buffer.concat(await Array.fromAsync(request)).toString();
    told.push(`${request.headers.authorization} ${body}`);
    answer.writeHead(204).end();
  }).listen(0, '127.0.0.1');
  await once(ear, 'listening');
  account = await world.account();
  const added = await registerClient(world.services, {
    clientId: 'till',
    metadata: {
      client_name: 'Till',
      grant_types: ['urn:openid:params:grant-type:ciba', 'refresh_token'],
      response_types: [],
      redirect_uris: [],
      backchannel_token_delivery_mode: 'poll',
    },
  });
  if (!added.ok) throw new Error(JSON.stringify(added));
  clientSecret = String(added.clientSecret);
});
afterAll(async () => {
  ear?.close();
  await world?.close();
});

async function answers(decision: 'allow' | 'deny'): Promise<void> {
  const person = await atRequest(world, { name: 'Till' }, account);
  expect(person.text).toContain('W4SCT');
  await person.decides(decision);
}

describe('a till on openid-client', () => {
  const discovered = () =>
    client.discovery(new URL(world.issuer), 'till', clientSecret, undefined, {
      execute: [client.allowInsecureRequests],
    });
  const asks = async (config: client.Configuration, login_hint: string) => {
    const asked = await client.initiateBackchannelAuthentication(config, {
      scope: 'openid email',
      login_hint,
      binding_message: 'W4SCT',
    });
    return asked;
  };

  it('learns who allowed it', async () => {
    const config = await discovered();
    const asked = await asks(config, account.identifier);
    await answers('allow');
    const tokens = await client.pollBackchannelAuthenticationGrant(config, asked);
    const claims = await client.fetchUserInfo(config, tokens.access_token, String(tokens.claims()?.sub));
    expect(claims.email).toBe(account.identifier);
  });

  it('is told when they say no', async () => {
    const config = await discovered();
    const asked = await asks(config, account.identifier);
    await answers('deny');
    // It would wait five seconds before it asks; the person has answered.
    const polled = client.pollBackchannelAuthenticationGrant(config, { ...asked, interval: 0.1 });
    await expect(polled).rejects.toMatchObject({ error: 'access_denied' });
  });
});

describe('a till on oauth4webapi', () => {
  it('waits until it is allowed', async () => {
    const insecure = { [oauth.allowInsecureRequests]: true };
    const issuer = new URL(world.issuer);
    const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));
    const [till, auth] = [{ client_id: 'till' }, oauth.ClientSecretBasic(clientSecret)];
    const question = { scope: 'openid email', login_hint: account.identifier, binding_message: 'W4SCT' };
    const answer = await oauth.backchannelAuthenticationRequest(as, till, auth, question, insecure);
    const asked = await oauth.processBackchannelAuthenticationResponse(as, till, answer);
    const poll = async () => {
      const id = asked.auth_req_id;
      const polled = await oauth.backchannelAuthenticationGrantRequest(as, till, auth, id, insecure);
      return oauth.processBackchannelAuthenticationGrantResponse(as, till, polled);
    };
    await expect(poll()).rejects.toMatchObject({ error: 'authorization_pending' });
    await answers('allow');
    world.advance(30_000);
    expect(oauth.getValidatedIdTokenClaims(await poll())).toMatchObject({ iss: world.issuer, aud: 'till' });
  });
});

describe('a till that is told when there is an answer (ping)', () => {
  const token = 'a-token-of-the-till-0123456789';
  const question = () => ({
    scope: 'openid email',
    login_hint: account.identifier,
    binding_message: 'W4SCT',
    client_notification_token: token,
  });
  let secret: string;
  beforeAll(async () => {
    const added = await registerClient(world.services, {
      clientId: 'bell',
      metadata: {
        client_name: 'Till',
        grant_types: ['urn:openid:params:grant-type:ciba'],
        response_types: [],
        redirect_uris: [],
        backchannel_token_delivery_mode: 'ping',
        backchannel_client_notification_endpoint: `http://127.0.0.1:${(ear.address() as AddressInfo).port}/told`,
      },
    });
    if (!added.ok) throw new Error(JSON.stringify(added));
    secret = String(added.clientSecret);
  });

  /** Neither library listens: an app does that with its own web server, and fetches with the library. */
  async function isTold(auth_req_id: string): Promise<void> {
    for (let tries = 0; tries < 500 && told.length === 0; tries += 1)
      await new Promise((looked) => setTimeout(looked, 20));
    expect(told).toEqual([`Bearer ${token} ${JSON.stringify({ auth_req_id })}`]);
    told = [];
  }

  it('learns who allowed it, on openid-client', async () => {
    const config = await client.discovery(new URL(world.issuer), 'bell', secret, undefined, {
      execute: [client.allowInsecureRequests],
    });
    const asked = await client.initiateBackchannelAuthentication(config, question());
    await answers('allow');
    await isTold(asked.auth_req_id);
    const tokens = await client.pollBackchannelAuthenticationGrant(config, { ...asked, interval: 0.1 });
    expect(tokens.claims()).toMatchObject({ iss: world.issuer, aud: 'bell' });
  });

  it('learns that they said no, on oauth4webapi', async () => {
    const insecure = { [oauth.allowInsecureRequests]: true };
    const issuer = new URL(world.issuer);
    const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));
    const [bell, auth] = [{ client_id: 'bell' }, oauth.ClientSecretBasic(secret)];
    const answer = await oauth.backchannelAuthenticationRequest(as, bell, auth, question(), insecure);
    const { auth_req_id } = await oauth.processBackchannelAuthenticationResponse(as, bell, answer);
    await answers('deny');
    await isTold(auth_req_id);
    const fetched = await oauth.backchannelAuthenticationGrantRequest(as, bell, auth, auth_req_id, insecure);
    const read = oauth.processBackchannelAuthenticationGrantResponse(as, bell, fetched);
    await expect(read).rejects.toMatchObject({ error: 'access_denied' });
  });
});
