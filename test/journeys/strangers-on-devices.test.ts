import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { changeClient } from '../../src/actions/change-client.ts';
import { registerApi } from '../../src/actions/register-api.ts';
import { verifyClient } from '../../src/actions/verify-client.ts';
import { asked as kites, registered } from '../support/registration.ts';
import { newAddress, send } from '../support/wire.ts';
import { openWorld, type World } from '../support/world.ts';

/** Apps that nobody looked at, where nothing is redirected, and so no address of theirs says whose they are: DF-05, DC-13. */
const ciba = 'urn:openid:params:grant-type:ciba';
const device = 'urn:ietf:params:oauth:grant-type:device_code';
let world: World;
let app: Record<string, string>;
beforeAll(async () => {
  world = await openWorld({ DYNAMIC_REGISTRATION: 'open' });
  app = await registered(world, {
    ...kites,
    client_uri: 'https://bank.example/',
    token_endpoint_auth_method: 'client_secret_post',
    grant_types: ['authorization_code', 'client_credentials', ciba, device],
    backchannel_token_delivery_mode: 'poll',
  });
});
afterAll(() => world.close());

const posts = (path: string, form: Record<string, string>) =>
  send(`${world.issuer}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', 'x-forwarded-for': newAddress() },
    body: new URLSearchParams({
      client_id: String(app['client_id']),
      client_secret: String(app['client_secret']),
      scope: 'openid',
      ...form,
    }),
  });

describe('an app that registered itself', () => {
  it('is shown on the page for devices as one that nobody looked at, without the host it says it is of', async () => {
    const { user_code } = (await posts('/device/authorize', {})).json as Record<string, string>;
    const person = world.person();
    await person.goes(`${world.issuer}/device`);
    await person.submits({ user_code: String(user_code) });
    await person.signsIn(await world.account());
    await person.submits({ user_code: String(user_code) });
    expect(person.heading).toBe('Let Kites in on another device?');
    expect(person.text).toContain('Latchkey has not checked this app');
    expect(person.text).not.toContain('bank.example');
  });

  it('gets no token for itself for an API that every app may ask people for', async () => {
    const identifier = 'https://open.example.test';
    const scopes = [{ name: 'orders:read', title: 'Read orders' }];
    await registerApi(world.services, { identifier, name: 'Orders', open_to_all: true, scopes });
    const form = { grant_type: 'client_credentials', resource: identifier, scope: 'orders:read' };
    expect(await posts('/token', form)).toMatchObject({ status: 400, json: { error: 'invalid_target' } });
    const clientId = String(app['client_id']);
    await changeClient(world.services, { clientId, changes: { resources: [identifier] } });
    expect(await posts('/token', form)).toMatchObject({ status: 200, json: { scope: 'orders:read' } });
  });

  it('asks nobody by name, and so sends no text of its own in our name, until an operator vouches for it', async () => {
    const { identifier } = await world.account();
    const before = (await world.outbox()).length;
    for (const login_hint of [identifier, 'nobody@example.com'])
      expect(await posts('/backchannel', { login_hint })).toMatchObject({
        status: 400,
        json: { error: 'unauthorized_client' },
      });
    expect(await world.outbox()).toHaveLength(before);
    await verifyClient(world.services, { clientId: String(app['client_id']) });
    expect((await posts('/backchannel', { login_hint: identifier })).status).toBe(200);
  });
});
