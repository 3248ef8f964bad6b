import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newTotpSecret } from '../../src/credentials/totp.ts';
import { minutes } from '../../src/kit/durations.ts';
import type { Person } from '../support/person.ts';
import { type Attempt, arrivalOf, openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { otherThan } from '../support/second-steps.ts';
import { openWorld, type World } from '../support/world.ts';

let world: World;
let app: RelyingParty;
beforeAll(async () => {
  world = await openWorld();
  app = await openRelyingParty(world);
});
afterAll(() => world.close());

const newPassword = 'nine-tidy-harbours';
const lasting = { scope: 'openid offline_access', prompt: 'consent' };

async function waitingForCode(identifier: string): Promise<{ person: Person; attempt: Attempt }> {
  const person = world.person();
  const attempt = app.asks();
  await person.goes(attempt.url);
  await person.follows('Forgot your password?');
  expect(person.heading).toBe('Reset your password');
  await person.submits({ identifier });
  expect(person.heading).toBe('Enter the code');
  return { person, attempt };
}

async function atNewPassword(identifier: string): Promise<{ person: Person; attempt: Attempt }> {
  const both = await waitingForCode(identifier);
  await both.person.submits({ code: await world.codeSentTo(identifier) });
  expect(both.person.heading).toBe('Choose a new password');
  return both;
}

async function signsInWith(identifier: string, password: string): Promise<boolean> {
  const person = world.person();
  await person.goes(app.asks().url);
  await person.submits({ identifier, password });
  return person.left !== undefined || person.heading !== 'Sign in';
}

describe('a forgotten password', () => {
  it('is reset by a code, signs in, and ends every other session and every app’s access', async () => {
    const account = await world.account();
    const elsewhere = world.person();
    const tokens = await app.signsIn(elsewhere, account, lasting);

    const { person } = await atNewPassword(account.identifier);
    await person.submits({ password: newPassword });
    // What was decided about the app is remembered; the access that it had is gone.
    expect(arrivalOf(person).searchParams.has('code')).toBe(true);
    expect(await signsInWith(account.identifier, account.password)).toBe(false);
    expect(await signsInWith(account.identifier, newPassword)).toBe(true);
    await elsewhere.goes(app.asks({ prompt: 'none' }).url);
    expect(arrivalOf(elsewhere).searchParams.get('error')).toBe('login_required');
    expect((await app.userinfo(tokens.access_token)).status).toBe(401);
    expect((await app.refreshes(tokens.refresh_token)).json['error']).toBe('invalid_grant');
    expect((await world.outbox())[0]).toMatchObject({ to: account.identifier, codes: [] });
  });

  it('still asks for the second step, for a mailbox alone is not enough', async () => {
    const totpSecret = newTotpSecret();
    const account = await world.account({ totpSecret });
    const { person } = await atNewPassword(account.identifier);
    await person.submits({ password: newPassword });
    expect(person.heading).toBe('Two-step verification');
    await person.submits({ code: await world.freshCode(totpSecret) });
    expect(person.heading).toMatch(/^Allow /);
  });

  it('tells nobody whether there is an account: the page, the headers and the work are the same', async () => {
    const account = await world.account();
    const before = (await world.outbox()).length;
    const [known, unknown] = [
      await waitingForCode(account.identifier),
      await waitingForCode('no@example.com'),
    ];
    const withoutAddress = ({ person }: { person: Person }) => person.text.replace(/\w+@example\.com/g, '');
    expect(withoutAddress(unknown)).toBe(withoutAddress(known));
    expect(Object.keys(unknown.person.headers)).toEqual(Object.keys(known.person.headers));
    expect((await world.outbox()).length).toBe(before + 1);
    const code = otherThan(await world.codeSentTo(account.identifier));
    await unknown.person.submits({ code });
    await known.person.submits({ code });
    expect(unknown.person.alert).toBe(known.person.alert);
  });

  it('is not reset by an address that somebody merely claims', async () => {
    const claimed = await world.account({ email: 'claimed@example.com', verified: false });
    await waitingForCode(claimed.identifier);
    await expect(world.codeSentTo(claimed.identifier)).rejects.toThrow('no code');
  });

  it('takes five guesses at the code and no more, and a code for ten minutes and no longer', async () => {
    const account = await world.account();
    const { person } = await waitingForCode(account.identifier);
    const code = await world.codeSentTo(account.identifier);
    for (let guess = 0; guess < 5; guess += 1) await person.submits({ code: otherThan(code) });
    await person.submits({ code });
    expect(person.heading).not.toBe('Choose a new password');

    const late = await waitingForCode((await world.account({ email: 'late@example.com' })).identifier);
    world.advance(11 * minutes);
    await late.person.submits({ code: await world.codeSentTo('late@example.com') });
    expect(late.person.alert).toMatch(/no longer works/);
  });

  it.each([
    ['too short', 'short1'],
    ['on every list', 'password1'],
    ['the own address', 'self@example.com'],
  ])('holds the new password to the rules of every route: %s', async (_, bad) => {
    const known = (await world.outbox()).some(({ to }) => to === 'self@example.com');
    if (!known) await world.account({ email: 'self@example.com' });
    const { person } = await atNewPassword('self@example.com');
    await person.submits({ password: bad });
    expect([person.status, person.heading]).toEqual([400, 'Choose a new password']);
    expect(person.alert).toBeDefined();
  });

  it('gives one new password for a code: a second window is asked to start over', async () => {
    const account = await world.account();
    const { person } = await atNewPassword(account.identifier);
    const path = `${person.url}/new-password`;
    await person.submits({ password: newPassword });
    await person.isSentTo(path, { form: { password: 'seven-quiet-lanterns' }, from: world.issuer });
    expect(await signsInWith(account.identifier, 'seven-quiet-lanterns')).toBe(false);
    expect(await signsInWith(account.identifier, newPassword)).toBe(true);
  });

  it('is not begun by whoever skips the code', async () => {
    const account = await world.account();
    const { person } = await waitingForCode(account.identifier);
    const { url } = person;
    await person.isSentTo(`${url}/new-password`, { form: { password: newPassword }, from: world.issuer });
    expect(person.heading).toBe('Enter the code');
    expect(await signsInWith(account.identifier, newPassword)).toBe(false);
  });

  it('writes to one address five times an hour at most, and says nothing about it', async () => {
    const account = await world.account();
    const sent = async () => (await world.outbox()).filter(({ to }) => to === account.identifier).length;
    for (let one = 0; one < 5; one += 1) await waitingForCode(account.identifier);
    const before = await sent();
    const person = world.person();
    await person.goes(app.asks().url);
    await person.follows('Forgot your password?');
    await person.submits({ identifier: account.identifier });
    expect(await sent()).toBe(before);
  });
});
