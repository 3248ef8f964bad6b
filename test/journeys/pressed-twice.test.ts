import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { seconds } from '../../src/kit/durations.ts';
import { sendsAlone } from '../support/lone-form.ts';
import { arrivalOf, openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import type { TestAccount, World } from '../support/world.ts';
import { worldKinds } from '../support/world-kinds.ts';

describe.each(worldKinds)('the button of a sign-in on $name', ({ open }) => {
  let world: World;
  let app: RelyingParty;
  let account: TestAccount;
  beforeAll(async () => {
    world = await open();
    app = await openRelyingParty(world, { first_party: true });
    account = await world.account();
  });
  afterAll(() => world?.close());

  async function atSignIn() {
    const person = await world.person().goes(app.asks().url);
    const { identifier, password } = account;
    const form = { page: `${person.path}/password`, form: { identifier, password }, port: world.port };
    return { person, press: () => sendsAlone(person, form) };
  }

  it.each(['first', 'second'])(
    'signs in when it is pressed twice and the browser follows the %s answer',
    async (followed) => {
      const { person, press } = await atSignIn();
      const answers = await Promise.all([press(), press()]);
      expect(answers.map(({ status }) => status)).toEqual([303, 303]);
      const { headers } = answers[followed === 'first' ? 0 : 1] as (typeof answers)[0];
      for (const cookie of [headers['set-cookie'] ?? []].flat())
        await person.cookies.setCookie(cookie, person.url);
      await person.goes(new URL(headers['location'] ?? '', person.url));
      expect(arrivalOf(person).searchParams.has('code')).toBe(true);
    },
  );

  it('has a page that goes on for a moment after the sign-in, and asks again later', async () => {
    const { person, press } = await atSignIn();
    const { url } = person;
    await press();
    world.advance(12 * seconds);
    await person.goes(url);
    expect([person.left, person.heading]).toEqual([undefined, 'Sign in']);
    await press();
    await person.goes(url);
    expect(arrivalOf(person).searchParams.has('code')).toBe(true);
  });
});
