import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { arrivalOf, openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { openWorld, type World } from '../support/world.ts';

let world: World;
let app: RelyingParty;
const scope = 'openid email offline_access';
beforeAll(async () => {
  world = await openWorld();
  app = await openRelyingParty(world, { grant_types: ['authorization_code', 'refresh_token'] });
});
afterAll(() => world.close());

describe('access while the person is away', () => {
  it('is asked for once and then remembered, without prompt=consent, on any browser', async () => {
    const ana = await world.account();
    const person = world.person();
    const attempt = app.asks({ scope });
    await person.goes(attempt.url);
    await person.submits({ identifier: ana.identifier, password: ana.password });
    expect(person.text).toContain('while you are away');
    await person.decides('allow', { scope: ['email', 'offline_access'] });
    expect((await app.receives(person, attempt)).refresh_token).toBeDefined();

    const elsewhere = world.person();
    const again = app.asks({ scope });
    await elsewhere.goes(again.url);
    await elsewhere.submits({ identifier: ana.identifier, password: ana.password });
    expect((await app.receives(elsewhere, again)).refresh_token).toBeDefined();
  });

  it('is not given to an app whose line was unticked', async () => {
    const ana = await world.account();
    const person = world.person();
    const attempt = app.asks({ scope });
    await person.goes(attempt.url);
    await person.submits({ identifier: ana.identifier, password: ana.password });
    await person.decides('allow', { scope: ['email'] });
    const tokens = await app.receives(person, attempt);
    expect(tokens.refresh_token).toBeUndefined();
    expect(tokens.scope).toBe('openid email');
  });

  it('is asked for anew when the app says prompt=consent', async () => {
    const ana = await world.account();
    const person = world.person();
    await app.signsIn(person, ana, { scope });
    await person.goes(app.asks({ scope, prompt: 'consent' }).url);
    expect(person.text).toContain('while you are away');
  });

  it('is left out of a request that may show no page and of an app that does not refresh', async () => {
    const ana = await world.account();
    const person = world.person();
    await app.signsIn(person, ana, { scope });
    const silent = app.asks({ scope, prompt: 'none' });
    await person.goes(silent.url);
    expect(arrivalOf(person).searchParams.get('error')).toBeNull();
    expect((await app.receives(person, silent)).refresh_token).toBeUndefined();

    const once = await openRelyingParty(world, { grant_types: ['authorization_code'], first_party: true });
    expect((await once.signsIn(world.person(), ana, { scope })).refresh_token).toBeUndefined();
  });
});
