import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { arrivalOf, openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { openWorld, type World } from '../support/world.ts';

let world: World;
let app: RelyingParty;
beforeAll(async () => {
  world = await openWorld();
  app = await openRelyingParty(world, { first_party: true });
});
afterAll(() => world.close());

describe('signing in', () => {
  it('takes an address and a password, and brings the person back to the app', async () => {
    const ana = await world.account({ email: 'ana@example.com' });
    const person = world.person();
    const attempt = app.asks();
    await person.goes(attempt.url);
    expect(person.heading).toBe('Sign in');
    expect(person.text).toContain(app.name);

    await person.submits({ identifier: 'ana@example.com', password: ana.password });
    expect(arrivalOf(person).href).toMatch(/^https:\/\/app\d+\.example\.test\/callback\?/);
    const tokens = await app.receives(person, attempt);
    expect(tokens.claims()?.sub).toBe(ana.accountId);
  });
});
