import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newKeys, openSigningApp, type SigningApp } from '../support/signing-app.ts';
import { send } from '../support/wire.ts';
import { openWorld, type TestAccount, type World } from '../support/world.ts';

/** Authorization requests that are pushed first (RFC 9126), by an app that is not of high assurance. */
let world: World;
let app: SigningApp;
let other: SigningApp;
let account: TestAccount;
beforeAll(async () => {
  world = await openWorld();
  app = await openSigningApp(world);
  other = await openSigningApp(world);
  account = await world.account();
});
afterAll(() => world.close());

describe('a pushed request', () => {
  it('is what counts, and nothing beside its address (section 4)', async () => {
    const url = new URL(await app.pushes());
    const beside = { scope: 'openid email', state: 'beside', redirect_uri: 'https://evil.test/' };
    for (const [name, value] of Object.entries(beside)) url.searchParams.set(name, value);
    const arrived = await app.visits(world.person(), account, url.href);
    expect(arrived.href.startsWith(`${app.redirectUri}?`)).toBe(true);
    expect(arrived.searchParams.get('state')).toBe('the-state');
    const { json } = await app.redeems(arrived.searchParams.get('code') ?? '');
    expect(json['scope']).toBe('openid');
  });

  it('is over after a minute (section 2.2)', async () => {
    const { json } = await app.posts('/par', { ...app.assertion(), ...app.params() });
    expect(json).toEqual({ expires_in: 60, request_uri: expect.stringMatching(/^urn:ietf:params:oauth:/) });
    const asked = { client_id: app.clientId, request_uri: String(json['request_uri']) };
    const url = `${world.issuer}/authorize?${new URLSearchParams(asked)}`;
    world.advance(55_000);
    expect((await world.person().goes(url)).heading).toBe('Sign in');
    world.advance(6_000);
    const late = await world.person().goes(url);
    expect([late.left, late.errorCode]).toEqual([undefined, 'invalid_request_uri']);
  });

  it('gives one code, also when two people follow its address', async () => {
    const url = await app.pushes();
    const [one, two] = [world.person(), world.person()];
    await one.goes(url);
    await two.goes(url);
    const first = await app.visits(one, account, url);
    expect(first.searchParams.get('code')).toEqual(expect.any(String));
    await two.signsIn(await world.account());
    if (!two.left) await two.decides('allow');
    expect([two.left?.searchParams.get('code'), two.left?.searchParams.get('error')]).toEqual([
      null,
      'invalid_request_uri',
    ]);
  });

  it('is no use to another app, nor without a name (section 2.2)', async () => {
    for (const [clientId, error] of [
      [other.clientId, /^invalid_request/],
      ['nobody', /^invalid_client/],
      ['', /^invalid_(request|client)/],
    ] as const) {
      const url = new URL(await app.pushes());
      url.searchParams.set('client_id', clientId);
      const person = await world.person().goes(url);
      expect([clientId, person.left, person.errorCode]).toEqual([
        clientId,
        undefined,
        expect.stringMatching(error),
      ]);
    }
  });

  it('is the only kind that is taken of an app that must push (section 5)', async () => {
    const strict = await openSigningApp(world, { require_pushed_authorization_requests: true });
    const plain = new URLSearchParams(strict.params());
    const signed = new URLSearchParams({ client_id: strict.clientId, request: strict.request() });
    for (const query of [plain, signed]) {
      const person = await world.person().goes(`${world.issuer}/authorize?${query}`);
      expect(person.left?.searchParams.get('error') ?? person.errorCode).toBe('invalid_request');
      expect(person.left?.searchParams.get('code') ?? null).toBeNull();
    }
    const arrived = await strict.visits(world.person(), account, await strict.pushes());
    expect(arrived.searchParams.get('code')).toEqual(expect.any(String));
  });

  it.each<[string, number, () => Record<string, string>]>([
    ['by who does not say who it is', 401, () => app.params()],
    ['in the name of another', 400, () => ({ ...app.assertion(), client_id: other.clientId })],
    ['for an address that is not registered', 400, () => app.params({ redirect_uri: 'https://evil.test/' })],
    [
      'for an address beside the registered one',
      400,
      () => app.params({ redirect_uri: `${app.redirectUri}/` }),
    ],
    ['that names a pushed one', 400, () => ({ request_uri: 'urn:ietf:params:oauth:request_uri:x' })],
  ])('is not taken %s (section 2.1)', async (name, status, form) => {
    const proof = name.startsWith('by who') ? {} : app.assertion();
    const answer = await app.posts('/par', { ...app.params(), ...proof, ...form() });
    expect([answer.status, answer.json['request_uri']]).toEqual([status, undefined]);
    expect(answer.headers['cache-control']).toMatch(/no-store/);
  });

  it('with a proof binds its code to the key of that (RFC 9449 section 10.1)', async () => {
    const thief = newKeys();
    const code = async () => {
      const form = { ...app.assertion(), ...app.params() };
      const { json } = await app.posts('/par', form, { dpop: app.proof('/par') });
      const asked = { client_id: app.clientId, request_uri: String(json['request_uri']) };
      const url = `${world.issuer}/authorize?${new URLSearchParams(asked)}`;
      return (await app.visits(world.person(), account, url)).searchParams.get('code') ?? '';
    };
    for (const headers of [{}, { dpop: app.proof('/token', {}, { keys: thief }) }])
      expect((await app.redeems(await code(), {}, headers)).json['error']).toBe('invalid_grant');
    const { json } = await app.redeems(await code(), {}, { dpop: app.proof('/token') });
    expect(json['token_type']).toBe('DPoP');
    const other = { ...app.assertion(), ...app.params({ dpop_jkt: 'x'.repeat(43) }) };
    const refused = await app.posts('/par', other, { dpop: app.proof('/par') });
    expect([refused.status, refused.json['request_uri']]).toEqual([400, undefined]);
  });

  it('has each parameter once, and comes by POST', async () => {
    const twice = new URLSearchParams({ ...app.assertion(), ...app.params() });
    twice.append('state', 'another');
    expect((await app.posts('/par', twice)).json['error']).toBe('invalid_request');
    const got = await send(`${world.issuer}/par`);
    expect([got.status, got.headers.allow]).toEqual([405, expect.stringContaining('POST')]);
  });
});
