import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { disableClient, enableClient } from '../../src/actions/disable-client.ts';
import { registerApi } from '../../src/actions/register-api.ts';
import { registerClient } from '../../src/actions/register-client.ts';
import { removeClient } from '../../src/actions/remove-client.ts';
import { openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import {
  ask as askOnTelevision,
  grantType as deviceGrant,
  poll as pollByDevice,
} from '../support/televisions.ts';
import { ask as askByName, grantType as ciba, poll as pollByName } from '../support/tills.ts';
import { until } from '../support/timing.ts';
import { pairKinds, type TwoWorlds } from '../support/two-worlds.ts';
import { newAddress, send } from '../support/wire.ts';
import type { World } from '../support/world.ts';

/**
 * What an app was given before it was stopped and that hangs on no grant: no ending goes through it, and yet it stays dead when
 * the app works again. Asked of a server that made all of it and heard of the stop from another one.
 */
const reason = 'a test';
const jwts = 'https://files.example.test/v1';

describe.each(pairKinds)('on $name', ({ open }) => {
  let pair: TwoWorlds;
  let world: World;
  let server: RelyingParty;
  beforeAll(async () => {
    pair = await open();
    world = pair.world;
    server = await openRelyingParty(world, { redirect_uris: [], resource_server: '*' });
    await registerApi(world.services, {
      identifier: jwts,
      name: 'Files',
      scopes: [{ name: 'files:read', title: 'See your files' }],
      introspected_by: [server.clientId],
    });
  });
  afterAll(() => pair?.close());

  const metadata = {
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials', deviceGrant, ciba],
    backchannel_token_delivery_mode: 'poll',
    resources: [jwts],
  };
  const newApp = () => openRelyingParty(world, metadata);

  const posts = (by: RelyingParty, endpoint: string, form: Record<string, string>) =>
    send(by.endpoint(endpoint), {
      headers: { ...by.basic(), 'x-forwarded-for': newAddress() },
      body: new URLSearchParams(form),
      port: pair.beside.port,
    });

  /** One of each, and how to tell whether it is good. Nothing here is used up by asking while the app is stopped. */
  async function everything(app: RelyingParty) {
    const account = await world.account();
    const token = async (more: Record<string, string> = {}) =>
      (await posts(app, 'token', { grant_type: 'client_credentials', ...more })).json['access_token'];
    const [plain, jwt] = [await token(), await token({ resource: jwts })];
    const attempt = app.asks();
    const pushed = await posts(
      app,
      'pushed_authorization_request',
      Object.fromEntries(attempt.url.searchParams),
    );
    const signingIn = pair.beside.person();
    await signingIn.goes(app.asks().url);
    const signedIn = pair.beside.person();
    await signedIn.goes(app.asks({ scope: 'openid profile' }).url);
    await signedIn.signsIn(account);
    expect(signedIn.heading).toContain(app.name);
    const [codes, approved] = [await askOnTelevision(app), await askOnTelevision(app)];
    const named = await askByName(app, { login_hint: account.identifier });
    const waiter = pair.beside.person();
    await waiter.goes(`${world.issuer}/account`);
    await waiter.signsIn(account);
    await waiter.goes(approved.verification_uri);
    await waiter.submits({ user_code: approved.user_code });
    await waiter.decides('allow');
    const isActive = async (one: unknown) => {
      const { status, json } = await posts(server, 'introspection', { token: String(one) });
      expect(status).toBe(200);
      if (json['active'] !== true) expect(json).toEqual({ active: false });
      return json['active'] === true;
    };
    return {
      plain: () => isActive(plain),
      jwt: () => isActive(jwt),
      async pushed() {
        const request_uri = String(pushed.json['request_uri']);
        const query = new URLSearchParams({ client_id: app.clientId, request_uri });
        const visitor = await pair.beside.person().goes(`${world.issuer}/authorize?${query}`);
        return visitor.heading === 'Sign in';
      },
      async signIn() {
        if (signingIn.left || signingIn.heading !== 'Sign in') return false;
        await signingIn.signsIn(account);
        return signingIn.left !== undefined || signingIn.text.includes(app.name);
      },
      async consent() {
        await signedIn.decides('allow');
        return signedIn.left?.searchParams.has('code') === true;
      },
      device: async () => (await pollByDevice(app, codes)).error === 'authorization_pending',
      async userCode() {
        await waiter.goes(codes.verification_uri);
        await waiter.submits({ user_code: codes.user_code });
        return waiter.text.includes(app.name);
      },
      approved: async () => (await pollByDevice(app, approved)).access_token !== undefined,
      byName: async () => (await pollByName(app, named)).error === 'authorization_pending',
      async request() {
        await waiter.goes(`${world.issuer}/account/requests`);
        return waiter.text.includes(app.name);
      },
    };
  }
  type Things = Awaited<ReturnType<typeof everything>>;

  const whatIsGood = async (things: Things) => {
    const good: string[] = [];
    for (const [name, isGood] of Object.entries(things)) if (await isGood()) good.push(name);
    return good;
  };
  const all = ['plain', 'jwt', 'pushed', 'signIn', 'consent', 'device', 'userCode', 'approved'];
  const heard = (things: Things, active: boolean) => until(async () => (await things.plain()) === active);

  it('all of it is good while nobody stops the app', async () => {
    expect(await whatIsGood(await everything(await newApp()))).toEqual([...all, 'byName', 'request']);
  });

  it.each([
    ['at once', 0],
    ['later', 30_000],
  ])('nothing of it is good when the app is disabled, and enabled %s', async (_, after) => {
    const app = await newApp();
    const { clientId } = app;
    const things = await everything(app);
    await disableClient(world.services, { clientId, reason });
    await heard(things, false);
    world.advance(after);
    await enableClient(world.services, { clientId });
    await until(async () => (await posts(app, 'token', { grant_type: 'client_credentials' })).status === 200);
    expect(await whatIsGood(things)).toEqual([]);
    // The moment itself counts as before.
    world.advance(1000);
    expect(await whatIsGood(await everything(app))).toEqual([...all, 'byName', 'request']);
  });

  it('nothing of it is good for another app that gets the name of one that was removed', async () => {
    const app = await newApp();
    const { clientId } = app;
    const things = await everything(app);
    await removeClient(world.services, { clientId });
    await heard(things, false);
    world.advance(15_000);
    const made = await registerClient(world.services, {
      clientId,
      clientSecret: String(app.clientSecret),
      metadata: { ...metadata, client_name: app.name, redirect_uris: [app.redirectUri] },
    });
    expect(made.ok).toBe(true);
    await until(async () => (await posts(app, 'token', { grant_type: 'client_credentials' })).status === 200);
    expect(await whatIsGood(things)).toEqual([]);
  });
});
