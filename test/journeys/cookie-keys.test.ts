import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Person } from '../support/person.ts';
import { openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { openWorld, type World } from '../support/world.ts';

const key = (letter: string) => letter.repeat(43);
let world: World;
let app: RelyingParty;
beforeAll(async () => {
  world = await openWorld({ COOKIE_KEYS: key('a') });
  app = await openRelyingParty(world);
});
afterAll(() => world.close());

/** The same stores and the same browser, after a restart with these keys. */
async function restarted(
  keys: string,
  person: Person,
  story: (after: Person) => Promise<void>,
): Promise<void> {
  const later = await openWorld({ ...world.environment, COOKIE_KEYS: keys });
  try {
    const after = later.person();
    Object.assign(after, { cookies: person.cookies });
    await story(after);
  } finally {
    await later.close();
  }
}

describe('keys that sign cookies (KR-03)', () => {
  it('are accepted while they are listed; then people sign in again, and nothing breaks', async () => {
    const account = await world.account();
    const signedIn = world.person();
    await app.signsIn(signedIn, account);
    const halfway = await world.person().goes(app.asks().url);
    const { url } = halfway;

    await restarted(`${key('b')},${key('a')}`, signedIn, async (after) => {
      await after.goes(app.asks().url);
      expect(after.left?.searchParams.get('code')).toBeTruthy();
    });
    await restarted(`${key('b')},${key('a')}`, halfway, async (after) => {
      await after.goes(url);
      await after.signsIn(account);
      expect(after.left?.searchParams.get('code')).toBeTruthy();
    });

    const begun = await world.person().goes(app.asks().url);
    const fresh = world.person();
    await app.signsIn(fresh, account);
    await restarted(key('b'), fresh, async (after) => {
      await after.goes(app.asks().url);
      expect([after.status, after.heading]).toEqual([200, 'Sign in']);
      await after.signsIn(account);
      expect(after.left?.searchParams.get('code')).toBeTruthy();
    });
    await restarted(key('b'), begun, async (after) => {
      await after.goes(begun.url);
      expect([after.status, after.errorCode]).toEqual([410, 'interaction_expired']);
    });
  });
});
