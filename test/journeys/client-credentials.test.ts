import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { openWorld, type World } from '../support/world.ts';

let world: World;
let service: RelyingParty;
beforeAll(async () => {
  world = await openWorld();
  service = await openRelyingParty(world, {
    redirect_uris: ['https://service.example.test/unused'],
    grant_types: ['authorization_code', 'client_credentials'],
  });
});
afterAll(() => world.close());

const issue = (app: RelyingParty) => app.posts('token', { grant_type: 'client_credentials' });

describe('an app that acts for itself', () => {
  it('gets a token with its own credentials, which names nobody', async () => {
    const issued = await issue(service);
    expect(issued.status).toBe(200);
    expect(issued.json['refresh_token']).toBeUndefined();
    const told = await service.introspects(String(issued.json['access_token']));
    expect(told).toMatchObject({ active: true, client_id: service.clientId });
    expect(told).not.toHaveProperty('sub');
    expect((await service.userinfo(String(issued.json['access_token']))).status).toBe(401);
  });

  it('is refused without the grant type in its registration', async () => {
    const other = await openRelyingParty(world);
    const refused = await issue(other);
    expect(refused.status).toBe(400);
    expect(refused.json).not.toHaveProperty('access_token');
  });

  it('has tokens that a resource server named for all apps may look at, and no other app', async () => {
    const { json } = await issue(service);
    const everyone = await openRelyingParty(world, { resource_server: '*' });
    const named = await openRelyingParty(world, { resource_server: [service.clientId] });
    const stranger = await openRelyingParty(world);
    const token = String(json['access_token']);
    expect((await everyone.introspects(token))['active']).toBe(true);
    expect((await named.introspects(token))['active']).toBe(true);
    expect(await stranger.introspects(token)).toEqual({ active: false });
  });
});

describe('a registration with members of a later stage', () => {
  it('works as if they were not there', async () => {
    const app = await openRelyingParty(world, {
      first_party: true,
      backchannel_logout_uri: 'https://app.example.test/backchannel',
      backchannel_logout_session_required: true,
    });
    const tokens = await app.signsIn(world.person(), await world.account());
    expect(tokens.claims()?.aud).toBe(app.clientId);
  });
});
