import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { arrivalOf, openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { send } from '../support/wire.ts';
import type { TestAccount, World } from '../support/world.ts';
import { worldKinds } from '../support/world-kinds.ts';

describe.each(worldKinds)('a button that is pressed twice on $name', ({ open }) => {
  let world: World;
  let app: RelyingParty;
  let account: TestAccount;
  beforeAll(async () => {
    world = await open();
    app = await openRelyingParty(world, { first_party: true });
    account = await world.account();
  });
  afterAll(() => world?.close());

  it.each(['first', 'second'])('signs in, when the browser follows the %s answer', async (followed) => {
    const person = world.person();
    await person.goes(app.asks().url);
    const url = new URL(`${person.path}/password`, person.url);
    const press = () =>
      send(url, {
        port: world.port,
        headers: {
          cookie: person.cookieHeader(),
          origin: url.origin,
          'sec-fetch-site': 'same-origin',
          'x-forwarded-for': person.address,
        },
        body: new URLSearchParams({ identifier: account.identifier, password: account.password }),
      });
    const answers = await Promise.all([press(), press()]);
    expect(answers.map(({ status }) => status)).toEqual([303, 303]);
    const { headers } = answers[followed === 'first' ? 0 : 1] as (typeof answers)[0];
    for (const cookie of [headers['set-cookie'] ?? []].flat())
      await person.cookies.setCookie(cookie, url.href);
    await person.goes(new URL(headers['location'] ?? '', url));
    expect(arrivalOf(person).searchParams.has('code')).toBe(true);
  });
});
