import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Person } from '../support/person.ts';
import { openRelyingParty, type RelyingParty, type Tokens } from '../support/relying-party.ts';
import { roundTrips } from '../support/round-trips.ts';
import { send } from '../support/wire.ts';
import type { TestAccount, World } from '../support/world.ts';
import { worldKinds } from '../support/world-kinds.ts';

/** How often a request waits for the live state, on Redis as it leaves on the wire. Each time costs a way there and back. */
describe.each(worldKinds)('on $name', ({ open }) => {
  let world: World;
  let app: RelyingParty;
  let account: TestAccount;
  let person: Person;
  let tokens: Tokens;
  let bound: Tokens;
  beforeAll(async () => {
    world = await open();
    app = await openRelyingParty(world, {
      grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    });
    account = await world.account();
    person = world.person();
    tokens = await app.signsIn(person, account, { scope: 'openid email offline_access' });
    const attempt = app.asks();
    await person.goes(attempt.url);
    bound = await app.receives(person, attempt);
  });
  afterAll(() => world?.close());

  const trips = async (work: () => Promise<{ status: number }>) => {
    let status = 0;
    const counted = await roundTrips(world, async () => {
      ({ status } = await work());
    });
    expect(status).toBeLessThan(400);
    return counted.trips;
  };
  const aCode = async (params: Record<string, string>) => app.getsCode(person, account, params);

  it.each([
    ['that may outlive the session', { scope: 'openid email offline_access' }],
    ['that end with the session', { scope: 'openid' }],
  ])('a code is exchanged for tokens %s in two', async (_, params) => {
    const { code, attempt } = await aCode(params);
    expect(await trips(() => app.redeems(code, attempt))).toBe(2);
  });

  it('a refresh takes two, also where it repeats another one', async () => {
    const { refresh_token } = tokens;
    expect(await trips(() => app.refreshes(refresh_token))).toBe(2);
    expect(await trips(() => app.refreshes(refresh_token))).toBe(2);
  });

  it('userinfo takes one, whether the token ends with the session or not', async () => {
    for (const { access_token } of [tokens, bound])
      expect(await trips(() => app.userinfo(access_token))).toBe(1);
  });

  it('introspection takes one, of whatever kind of token, with a hint or without', async () => {
    const machine = (await app.posts('token', { grant_type: 'client_credentials' })).json['access_token'];
    for (const hint of [{}, { token_type_hint: 'access_token' }])
      for (const token of [tokens.access_token, bound.access_token, String(machine)])
        expect(await trips(() => app.posts('introspection', { token, ...hint }))).toBe(1);
  });

  it('introspection takes one, too, of what is no token and of a refresh token', async () => {
    const unknown = [22, 43, 65, 66, 90].map((length) => 'x'.repeat(length));
    for (const hint of [{}, { token_type_hint: 'access_token' }])
      for (const one of [...unknown, String(tokens.refresh_token)])
        expect(await trips(() => app.posts('introspection', { token: one, ...hint }))).toBeLessThanOrEqual(1);
  });

  it('a token for the app itself takes one, and so does a pushed request', async () => {
    expect(await trips(() => app.posts('token', { grant_type: 'client_credentials' }))).toBe(1);
    const pushed = app.asks().url.searchParams;
    expect(await trips(() => app.posts('pushed_authorization_request', pushed))).toBe(1);
  });

  it('an authorization of somebody with a session and a grant takes three, and two where they were here before', async () => {
    const newcomer = world.person();
    await app.signsIn(newcomer, account, { scope: 'openid email' });
    const cookie = newcomer.cookieHeader(`${world.issuer}/authorize`);
    const headers = { cookie, accept: 'text/html', 'x-forwarded-for': '198.51.100.77' };
    const arrives = () => send(app.asks({ scope: 'openid email' }).url, { headers });
    expect(await trips(arrives)).toBe(3);
    world.advance(6 * 60_000);
    // The session notes that it was used, beside the code.
    expect(await trips(arrives)).toBe(2);
  });
});
