import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { listEvents } from '../../src/audit/list.ts';
import { changeTwoStep, prefer } from '../../src/credentials/two-step.ts';
import { aPasskey } from '../support/passkeys.ts';
import type { Person } from '../support/person.ts';
import {
  aWhile,
  type Careful,
  carefulAccount,
  giveBackupCodes,
  giveText,
  giveTotp,
  lastDigits,
  otherThan,
  signedInFully,
  wrongCode,
} from '../support/second-steps.ts';
import type { TestServices } from '../support/stores.ts';
import { openWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

const asks = 'Confirm that it’s you';

/** Signed in with everything, long enough ago that nothing counts as proved. */
async function settled(account: Careful): Promise<Person> {
  const person = await signedInFully(world, account);
  world.advance(aWhile);
  return person;
}

async function methodsShown(person: Person): Promise<string[]> {
  await person.follows('Use another method');
  const shown = person.html.textsOf('h2');
  await person.follows('Back');
  return shown;
}

describe('a sensitive change in a session that is a while old (MF-15)', () => {
  it.each([
    ['adding an authenticator app', 'two-step/new'],
    ['adding text messages', 'two-step/text'],
    ['making backup codes', 'two-step/codes'],
    ['turning two-step verification off', 'two-step/off'],
    ['changing the password', 'password'],
    ['ending all sessions', 'sessions/others'],
    ['adding a passkey', 'passkeys/new'],
  ])('asks for the highest factor first: %s', async (_, page) => {
    const person = await settled(await carefulAccount(world));
    await person.goes(`${world.issuer}/account/${page}`);
    expect([person.heading, person.text.includes('authenticator app shows')]).toEqual([asks, true]);
    // The form itself is no way around.
    await person.isSentTo(`${world.issuer}/account/${page}`, { form: { code: '1' }, from: world.issuer });
    expect(person.heading).toBe(asks);
  });

  it('asks the same of another default and of a removal, and comes back to what was asked for', async () => {
    const account = await carefulAccount(world);
    const { id } = await giveTotp(world.services, account.accountId, 'Tablet');
    const person = await settled(account);
    await person.goes(`${world.issuer}/account/two-step`);
    await person.presses('Ask first: Tablet');
    expect(person.heading).toBe(asks);
    await person.goes(`${world.issuer}/account/two-step/remove?method=totp.${id}`);
    expect(person.heading).toBe(asks);
    await person.submits({ code: await world.freshCode(account.totpSecret) });
    expect([person.heading, person.url]).toEqual([
      'Remove Tablet?',
      `${world.issuer}/account/two-step/remove?method=totp.${id}`,
    ]);
    const [event] = await listEvents(world.services, { accountId: account.accountId, limit: 1 });
    expect(event).toMatchObject({ type: 'account.confirmed', detail: { amr: ['otp'] } });
  });

  it('asks for the passkey before all others, also where another method is asked first at the sign-in', async () => {
    const account = await carefulAccount(world);
    await aPasskey(world.services as unknown as TestServices, account.accountId);
    const { id } = await giveTotp(world.services, account.accountId, 'Tablet');
    const method = `totp.${id}`;
    await changeTwoStep(world.services, account.accountId, (tx) => prefer(tx, account.accountId, method));
    const person = await settled(account);
    await person.goes(`${world.issuer}/account/two-step/codes`);
    expect(person.html.source).toContain('data-passkey');
    expect((await methodsShown(person))[0]).toBe('Passkey or security key');
  });

  it('is good for ten minutes, in this browser', async () => {
    const account = await carefulAccount(world);
    const [here, there] = [await settled(account), await settled(account)];
    await here.goes(`${world.issuer}/account/two-step/codes`);
    await here.submits({ code: await world.freshCode(account.totpSecret) });
    expect(here.heading).toBe('Backup codes');
    await there.goes(`${world.issuer}/account/two-step/codes`);
    expect(there.heading).toBe(asks);
    world.advance(9 * 60_000);
    await here.goes(`${world.issuer}/account/two-step/codes`);
    expect(here.heading).toBe('Backup codes');
    world.advance(61_000);
    await here.goes(`${world.issuer}/account/two-step/codes`);
    expect(here.heading).toBe(asks);
  });

  it('asks for the password where there is no second step, and once there is one that is not enough', async () => {
    const account = await world.account();
    const person = world.person();
    await person.goes(`${world.issuer}/account`);
    await person.signsIn(account);
    world.advance(aWhile);
    await person.goes(`${world.issuer}/account/two-step/new`);
    await person.submits({ password: account.password });
    expect(person.heading).toBe('Set up an authenticator app');
    await giveTotp(world.services, account.accountId);
    await person.goes(`${world.issuer}/account/two-step/new`);
    expect([person.heading, person.text.includes('authenticator app shows')]).toEqual([asks, true]);
  });

  it('is not asked twice of who signed in with everything a moment ago', async () => {
    const person = await signedInFully(world, await carefulAccount(world));
    await person.goes(`${world.issuer}/account/two-step/off`);
    expect(person.heading).toBe('Turn off two-step verification?');
  });
});

describe('what may prove it (MF-17)', () => {
  it('is no text message where there is something stronger; a backup code is', async () => {
    const account = await carefulAccount(world);
    await giveText(world.services, account.accountId);
    const [code = ''] = await giveBackupCodes(world.services, account.accountId);
    const person = await settled(account);
    await person.goes(`${world.issuer}/account/two-step/off`);
    expect(await methodsShown(person)).toEqual(['Authenticator app', 'Backup codes']);
    const form = { method: `text.${'x'.repeat(22)}`, to: 'overview', about: '' };
    await person.isSentTo(`${world.issuer}/account/confirm/method`, { form, from: world.issuer });
    expect(person.text).toContain('authenticator app shows');
    await person.goes(`${world.issuer}/account/two-step/off`);
    await person.follows('Use another method');
    await person.presses('Use this: 10 codes left');
    await person.submits({ code });
    expect(person.heading).toBe('Turn off two-step verification?');
  });

  it('is no sign-in that was confirmed by text message, a minute ago, where there is something stronger', async () => {
    const account = await carefulAccount(world);
    await giveText(world.services, account.accountId);
    const person = world.person();
    await person.goes(`${world.issuer}/account`);
    await person.submits({ identifier: account.identifier, password: account.password });
    await person.follows('Use a backup method');
    await person.presses(`Use this: A code sent to the number ${lastDigits(account.number)}`);
    await person.submits({ code: await world.codeSentTo(account.number) });
    expect(person.path).toBe('/account');
    await person.goes(`${world.issuer}/account/two-step/off`);
    expect([person.heading, person.text.includes('authenticator app shows')]).toEqual([asks, true]);
  });

  it('is a text message where that is all there is, and looking at the page sends none', async () => {
    const number = '+4915119876543';
    const account = await world.account({ email: 'textonly@example.com', phone: number });
    await giveText(world.services, account.accountId);
    const person = world.person();
    await person.goes(`${world.issuer}/account`);
    await person.submits({ identifier: account.identifier, password: account.password });
    await person.submits({ code: await world.codeSentTo(number) });
    expect(person.path).toBe('/account');
    world.advance(61 * 60_000);
    const sent = async () => (await world.outbox()).filter(({ codes }) => codes.length > 0).length;
    const before = await sent();
    await person.goes(`${world.issuer}/account/two-step/off`);
    expect([person.heading, await sent()]).toEqual([asks, before]);
    await person.presses('Send a code');
    expect(await sent()).toBe(before + 1);
    await person.submits({ code: otherThan(await world.codeSentTo(number)) });
    expect(person.alert).toMatch(/not right/);
    await person.submits({ code: await world.codeSentTo(number) });
    expect(person.heading).toBe('Turn off two-step verification?');
  });

  it('is refused by another site, and leads nowhere but to our own pages', async () => {
    const account = await carefulAccount(world);
    const person = await settled(account);
    await person.isSentTo(`${world.issuer}/account/confirm`, { form: { code: '123456' } });
    expect([person.status, person.errorCode]).toEqual([403, 'cross_site']);
    for (const to of ['https://evil.test', '//evil.test', '__proto__', 'constructor', 'x'.repeat(39)]) {
      await person.goes(`${world.issuer}/account/confirm?${new URLSearchParams({ to, about: to })}`);
      expect(person.heading).toBe(asks);
    }
    await person.submits({ code: await world.freshCode(account.totpSecret) });
    expect(person.url).toBe(`${world.issuer}/account`);
  });

  it('ends in the whole sign-in for who only guesses', async () => {
    const account = await carefulAccount(world);
    const person = await settled(account);
    await person.goes(`${world.issuer}/account/two-step/off`);
    const wrong = await wrongCode(account.totpSecret);
    for (let tries = 0; tries < 5; tries += 1) await person.submits({ code: wrong });
    expect(person.heading).toBe(asks);
    await person.submits({ code: await world.freshCode(account.totpSecret) });
    expect(person.heading).toBe('Sign in');
    const failures = await listEvents(world.services, { accountId: account.accountId, limit: 20 });
    expect(failures.filter(({ type }) => type === 'account.confirm_failed')).toHaveLength(6);
  });
});
