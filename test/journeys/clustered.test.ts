import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import type { TestServer } from '../support/servers.mjs';
import { type SpreadRedis, spreadRedisKinds } from '../support/spread-redis.ts';
import { openWorld, type TestAccount, type World } from '../support/world.ts';

/** A server whose live state is on several Redis servers: what a person and an app do all day works as on one. */
describe.each(spreadRedisKinds)('a server on $name', ({ start }) => {
  let redis: SpreadRedis;
  let world: World;
  let app: RelyingParty;
  let account: TestAccount;
  beforeAll(async () => {
    redis = await start();
    world = await openWorld({ REDIS_URL: redis.url });
    app = await openRelyingParty(world, { grant_types: ['authorization_code', 'refresh_token'] });
    account = await world.account();
  });
  afterAll(async () => {
    await world?.close();
    await redis?.stop();
  });
  const lasting = { scope: 'openid profile email offline_access' };

  it('signs a person in, exchanges the code, refreshes, and revokes', async () => {
    const tokens = await app.signsIn(world.person(), account, lasting);
    expect((await app.userinfo(tokens.access_token)).json).toMatchObject({ email: account.identifier });
    const { status, json } = await app.refreshes(tokens.refresh_token);
    expect(status).toBe(200);
    expect(await app.introspects(String(json['access_token']))).toMatchObject({ active: true });
    const revoked = await app.posts('revocation', { token: String(json['refresh_token']) });
    expect(revoked.status).toBe(200);
    expect(await app.introspects(String(json['refresh_token']))).toEqual({ active: false });
  });

  it('shows the account pages, and ends a session elsewhere from them', async () => {
    const [here, elsewhere] = [world.person(), world.person()];
    for (const person of [here, elsewhere]) {
      await person.goes(`${world.issuer}/account`);
      await person.signsIn(account);
      expect(person.path).toBe('/account');
    }
    await here.goes(`${world.issuer}/account/sessions`);
    expect([here.status, here.heading]).toEqual([200, 'Where you’re signed in']);
    await here.follows('Sign out everywhere else');
    await here.presses('Sign out everywhere else');
    await elsewhere.goes(`${world.issuer}/account`);
    expect(elsewhere.heading).toBe('Sign in');
    await here.goes(`${world.issuer}/account`);
    expect(here.path).toBe('/account');
  });

  it('gives every key an end', async () => {
    await app.signsIn(world.person(), account, lasting);
    const keys = (await Promise.all(redis.nodes.map(keysOn))).flat();
    expect(keys.length).toBeGreaterThan(10);
    expect(keys.filter(({ endless }) => endless)).toEqual([]);
  });
});

/** The keys of a primary, and which of them would stay for ever. */
async function keysOn(node: TestServer): Promise<{ key: string; endless: boolean }[]> {
  const redis = new Redis(node.url);
  const found: { key: string; endless: boolean }[] = [];
  if (/^role:master/m.test(await redis.info('replication')))
    for await (const keys of redis.scanStream())
      for (const key of keys as string[]) found.push({ key, endless: (await redis.pttl(key)) === -1 });
  redis.disconnect();
  return found;
}
