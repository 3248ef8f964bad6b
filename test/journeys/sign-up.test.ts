import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { minutes } from '../../src/kit/durations.ts';
import { workedOut } from '../support/effort.ts';
import type { Person } from '../support/person.ts';
import { type Attempt, arrivalOf, openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { otherThan } from '../support/second-steps.ts';
import { openWorld, type World } from '../support/world.ts';

let world: World;
let app: RelyingParty;
beforeAll(async () => {
  world = await openWorld();
  app = await openRelyingParty(world, { first_party: true });
});
afterAll(() => world.close());

const password = 'nine-tidy-harbours';

async function atSignUp(): Promise<{ person: Person; attempt: Attempt }> {
  const person = world.person();
  const attempt = app.asks({ scope: 'openid profile email phone' });
  await person.goes(attempt.url);
  await person.follows('Create an account');
  expect(person.heading).toBe('Create your account');
  return { person, attempt };
}

async function waitingForCode(identifier: string): Promise<{ person: Person; attempt: Attempt }> {
  const both = await atSignUp();
  await both.person.submits({ name: 'Mia Winter', identifier, password });
  expect(both.person.heading).toBe('Enter the code');
  return both;
}

async function wrongCode(identifier: string): Promise<string> {
  return otherThan(await world.codeSentTo(identifier));
}

describe('signing up', () => {
  it('with an e-mail address: proves it by a code, signs in, and the app gets it as verified', async () => {
    const { person, attempt } = await waitingForCode('mia@example.com');
    expect(person.text).toContain('mia@example.com');
    await person.submits({ code: await world.codeSentTo('mia@example.com') });
    const tokens = await app.receives(person, attempt);
    expect((await app.userinfo(tokens.access_token)).json).toMatchObject({
      name: 'Mia Winter',
      email: 'mia@example.com',
      email_verified: true,
    });

    const elsewhere = world.person();
    await elsewhere.goes(app.asks().url);
    await elsewhere.submits({ identifier: 'mia@example.com', password });
    expect(arrivalOf(elsewhere).searchParams.has('code')).toBe(true);
  });

  it('with a mobile number: the code comes as a text message', async () => {
    const { person, attempt } = await waitingForCode('+34 600 11 22 33');
    const [message] = await world.outbox();
    expect(message).toMatchObject({ channel: 'sms', codes: [expect.stringMatching(/^\d{6}$/)] });
    await person.submits({ code: message?.codes[0] ?? '' });
    const tokens = await app.receives(person, attempt);
    expect((await app.userinfo(tokens.access_token)).json).toMatchObject({
      phone_number: '+34600112233',
      phone_number_verified: true,
    });
  });

  it('with an address that is taken looks the same, and the owner is told instead', async () => {
    const owner = await world.account({ email: 'owner@example.com' });
    const [free, taken] = [await waitingForCode('free@example.com'), await waitingForCode(owner.identifier)];
    const withoutAddress = ({ person }: { person: Person }) => person.text.replace(/\w+@example\.com/g, '');
    expect(withoutAddress(taken)).toBe(withoutAddress(free));
    const [message] = await world.outbox();
    expect(message).toMatchObject({ to: owner.identifier, codes: [] });
    await taken.person.submits({ code: '123456' });
    expect(taken.person.alert).toMatch(/not right/);

    const attempt = app.asks();
    const person = world.person();
    await person.goes(attempt.url);
    await person.signsIn(owner);
    expect((await app.receives(person, attempt)).claims()?.sub).toBe(owner.accountId);
  });

  it('makes nothing before the address is proved', async () => {
    await waitingForCode('unproved@example.com');
    const person = world.person();
    await person.goes(app.asks().url);
    await person.submits({ identifier: 'unproved@example.com', password });
    expect(person.alert).toMatch(/not right/);
  });

  it('sends another code, and only the newest works', async () => {
    const { person } = await waitingForCode('again@example.com');
    const first = await world.codeSentTo('again@example.com');
    await person.presses('Send it again');
    expect(person.text).toContain('We sent another message');
    const second = await world.codeSentTo('again@example.com');
    if (first !== second) {
      await person.submits({ code: first });
      expect(person.alert).toMatch(/not right/);
    }
    await person.submits({ code: second });
    expect(person.left).toBeDefined();
  });

  it('forgives four wrong codes, and after five not even the right one is right', async () => {
    const lucky = await waitingForCode('lucky@example.com');
    const wrong = await wrongCode('lucky@example.com');
    for (let guess = 0; guess < 4; guess += 1) await lucky.person.submits({ code: wrong });
    expect(lucky.person.alert).toMatch(/not right/);
    await lucky.person.submits({ code: await world.codeSentTo('lucky@example.com') });
    expect(lucky.person.left).toBeDefined();

    const { person } = await waitingForCode('unlucky@example.com');
    const alsoWrong = await wrongCode('unlucky@example.com');
    for (let guess = 0; guess < 5; guess += 1) await person.submits({ code: alsoWrong });
    await person.submits({ code: await world.codeSentTo('unlucky@example.com') });
    expect(person.left).toBeUndefined();
    expect(person.alert).toBeDefined();
  });

  it('refuses a code that is too old', async () => {
    const { person } = await waitingForCode('late@example.com');
    world.advance(11 * minutes);
    await person.submits({ code: await world.codeSentTo('late@example.com') });
    expect(person.left).toBeUndefined();
    expect(person.alert).toMatch(/no longer works/);
  });

  it('takes a code in the browser and for the address that it was asked for only', async () => {
    const mine = await waitingForCode('mine@example.com');
    const codes = new Set([await world.codeSentTo('mine@example.com')]);
    // Two random codes may be alike once in a million times: then somebody else asks for one.
    for (let others = 1; codes.size === 1; others += 1) {
      const theirs = `theirs${others}@example.com`;
      await waitingForCode(theirs);
      codes.add(await world.codeSentTo(theirs));
    }
    await mine.person.submits({ code: [...codes][1] });
    expect(mine.person.left).toBeUndefined();
  });

  it.each([
    ['password', 'password', /lists that attackers try/],
    ['too short', 'short1', /at least 8/],
    ['the own address', 'mia.winter@example.com', /too close/],
    ['the product name', 'latchkey', /./],
    ['257 characters', 'ab '.repeat(86), /at most 256/],
  ])('refuses %s as the password, with the reason (SI-13)', async (_, bad, reason) => {
    const { person } = await atSignUp();
    await person.submits({ name: 'Mia Winter', identifier: 'mia.winter@example.com', password: bad });
    expect([person.status, person.heading]).toEqual([400, 'Create your account']);
    expect(person.alert).toMatch(reason);
    expect(person.html.attribute('input', { name: 'name' }, 'value')).toBe('Mia Winter');
    expect(person.html.attribute('input', { name: 'password' }, 'value')).toBeUndefined();
  });

  it.each([
    ['no name', { name: '  ', identifier: 'x@example.com' }],
    ['a name that is no text', { name: 'a\u202eb', identifier: 'x@example.com' }],
    ['an address that is none', { name: 'Mia', identifier: 'mia at home' }],
    ['an address of 400 letters', { name: 'Mia', identifier: `${'a'.repeat(400)}@example.com` }],
  ])('asks again for %s', async (_, fields) => {
    const { person } = await atSignUp();
    await person.submits({ ...fields, password });
    expect([person.status, person.heading]).toEqual([400, 'Create your account']);
    expect(person.alert).toBeDefined();
  });

  it('is limited by network', async () => {
    const { person } = await atSignUp();
    const signUp = `${person.url}`;
    for (let one = 0; one < 20; one += 1) {
      await person.goes(signUp);
      const fields = { name: 'Robot', identifier: `robot${one}@example.com`, password };
      await person.submits({ ...fields, ...workedOut(person) });
    }
    await person.goes(signUp);
    const fields = { name: 'Robot', identifier: 'robot20@example.com', password };
    await person.submits({ ...fields, ...workedOut(person) });
    expect(person.status).toBe(429);
    expect((await world.outbox()).map(({ to }) => to)).not.toContain('robot20@example.com');
  });
});
