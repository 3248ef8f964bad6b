import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { layout } from '../../src/oidc/live-layout.ts';
import { readSession, writeSession } from '../../src/oidc/record-forms.ts';
import type { StoredSession } from '../../src/oidc/stored-session.ts';
import type { Person } from '../support/person.ts';
import { openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { roundTrips } from '../support/round-trips.ts';
import { newAddress, send } from '../support/wire.ts';
import type { TestAccount, World } from '../support/world.ts';
import { worldKinds } from '../support/world-kinds.ts';

/**
 * How often the authorization request of somebody who is signed in waits for the live state: three times at most, on
 * whichever way they come to an app that needs to ask them nothing. docs/performance.md says what each is for.
 */
describe.each(worldKinds)('somebody who is signed in, on $name', ({ open }) => {
  let world: World;
  let account: TestAccount;
  let door: RelyingParty;
  let person: Person;
  beforeAll(async () => {
    world = await open();
    account = await world.account();
    door = await openRelyingParty(world);
  });
  afterAll(() => world?.close());
  beforeEach(async () => {
    person = world.person();
    await door.signsIn(person, account);
  });

  const scope = 'openid email offline_access';
  const pushedBy = async (app: RelyingParty) => {
    const { url } = app.asks({ scope });
    const { json } = await app.posts('pushed_authorization_request', url.searchParams);
    const params = { client_id: app.clientId, request_uri: String(json['request_uri']) };
    return new URL(`${world.issuer}/authorize?${new URLSearchParams(params)}`);
  };
  const asks: [string, (app: RelyingParty) => Promise<URL>][] = [
    ['as it is', async (app) => app.asks({ scope }).url],
    ['pushed before', pushedBy],
  ];

  /** The trips of one visit, which has to lead back to the app with a code. */
  async function trips(url: URL): Promise<number> {
    const cookie = person.cookieHeader(`${world.issuer}/authorize`);
    const headers = { cookie, accept: 'text/html', 'x-forwarded-for': newAddress() };
    let location: string | undefined;
    const counted = await roundTrips(world, async () => {
      ({ location } = (await send(url, { headers })).headers);
    });
    expect(new URL(location ?? '', world.issuer).searchParams.get('code')).toBeTruthy();
    return counted.trips;
  }

  describe.each(asks)('with a request %s', (_, ask) => {
    it('comes in three to an app that they allowed in another browser', async () => {
      const app = await openRelyingParty(world);
      await app.signsIn(world.person(), account, { scope });
      expect(await trips(await ask(app))).toBe(3);
    });

    it('comes in three to an app of the company, the first time', async () => {
      const app = await openRelyingParty(world, { first_party: true });
      expect(await trips(await ask(app))).toBe(3);
    });

    it('comes in three at most to an app where they were before', async () => {
      const app = await openRelyingParty(world);
      await app.signsIn(person, account, { scope });
      expect(await trips(await ask(app))).toBe(3);
      expect(await trips(await ask(app))).toBeLessThanOrEqual(3);
    });

    it('comes in three to an app that asks for more than before, which they allowed in another browser', async () => {
      const app = await openRelyingParty(world);
      await app.signsIn(person, account);
      await app.signsIn(world.person(), account, { scope });
      expect(await trips(await ask(app))).toBe(3);
    });
  });

  /** What the session says was decided in the grant that it has for the app; undefined: nothing, as earlier versions did. */
  async function notes(app: RelyingParty, decided: string | undefined): Promise<void> {
    const { live } = world.services;
    const [, uid = ''] =
      /=([\w-]{43})\.[\w-]{43}/.exec(person.cookieHeader(`${world.issuer}/authorize`)) ?? [];
    const key = layout.session(uid);
    const [entry] = await live.read([key]);
    const { authorizations, ...session } = readSession(String(entry?.value), uid);
    const { decided: noted, ...others } = (authorizations?.[app.clientId] ?? {}) as { decided?: string };
    expect(noted).toBe('openid');
    const changed = {
      ...authorizations,
      [app.clientId]: decided === undefined ? others : { ...others, decided },
    };
    const value = writeSession({ ...session, authorizations: changed } as StoredSession);
    expect(await live.commit([{ do: 'put', key, value, ttlMs: 600_000 }])).toEqual({ ok: true });
  }

  it.each([
    ['says nothing of what was decided', undefined],
    ['says that all was decided', scope],
  ])('comes to such an app in four, once, where the session %s', async (_, decided) => {
    const app = await openRelyingParty(world);
    await app.signsIn(person, account);
    await app.signsIn(world.person(), account, { scope });
    await notes(app, decided);
    expect(await trips(app.asks({ scope }).url)).toBe(4);
    expect(await trips(app.asks({ scope }).url)).toBeLessThanOrEqual(3);
  });

  it('comes back where the session says that less was decided than was', async () => {
    const app = await openRelyingParty(world);
    await app.signsIn(person, account);
    await notes(app, 'email');
    expect(await trips(app.asks().url)).toBe(3);
    expect(await trips(app.asks().url)).toBeLessThanOrEqual(3);
  });

  it('comes to such an app in three where this process remembers which grant they have', async () => {
    const app = await openRelyingParty(world);
    await app.signsIn(person, account);
    await app.signsIn(world.person(), account, { scope });
    expect(await trips(app.asks().url)).toBe(3);
    expect(await trips(app.asks({ scope }).url)).toBe(3);
  });
});
