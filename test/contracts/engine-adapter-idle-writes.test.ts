import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { minutes } from '../../src/kit/durations.ts';
import { listGrants, revokeGrants } from '../../src/oidc/grants.ts';
import { listSessions } from '../../src/oidc/sessions.ts';
import { openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { openWorld, type World } from '../support/world.ts';

let world: World;
let app: RelyingParty;
beforeAll(async () => {
  world = await openWorld();
  app = await openRelyingParty(world, { first_party: true });
});
afterAll(() => world.close());

describe('the life of a session', () => {
  it('moves on with its use, in steps of minutes', async () => {
    const account = await world.account();
    const person = world.person();
    const seen = async () => (await listSessions(world.services, account.accountId))[0];
    await app.signsIn(person, account);
    const first = await seen();
    await person.goes(app.asks().url);
    expect(await seen()).toEqual(first);

    world.advance(6 * minutes);
    await person.goes(app.asks().url);
    const later = await seen();
    expect(later?.startedAt).toBe(first?.startedAt);
    expect((later?.lastSeenAt ?? 0) - (first?.lastSeenAt ?? 0)).toBeGreaterThanOrEqual(6 * minutes);
    expect(later?.expiresAt).toBeGreaterThan(first?.expiresAt ?? 0);
  });

  it('is written at once when an app is new to it', async () => {
    const account = await world.account();
    const person = world.person();
    await app.signsIn(person, account);
    const other = await openRelyingParty(world, { first_party: true });
    const attempt = other.asks();
    await person.goes(attempt.url);
    expect((await other.receives(person, attempt)).claims()?.sub).toBe(account.accountId);
  });

  it('keeps the grant it has for an app, however often it is asked for, and finds another when that one ended', async () => {
    const account = await world.account();
    const person = world.person();
    const grants = async () =>
      (await listGrants(world.services, account.accountId)).map((one) => one.grantId);
    await app.signsIn(person, account);
    const [first] = await grants();
    await person.goes(app.asks().url);
    expect(await grants()).toEqual([first]);

    await revokeGrants(world.services, { accountId: account.accountId });
    await person.goes(app.asks().url);
    const [second] = await grants();
    await person.goes(app.asks().url);
    expect(await grants()).toEqual([second]);
  });
});
