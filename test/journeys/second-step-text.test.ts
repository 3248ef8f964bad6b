import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { minutes } from '../../src/kit/durations.ts';
import { limits, type Take, takeFromLimits } from '../../src/limits/limits.ts';
import type { Person } from '../support/person.ts';
import { openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import {
  atSecondStep,
  type Careful,
  carefulAccount,
  giveText,
  lastDigits,
  otherThan,
  textsTo,
} from '../support/second-steps.ts';
import { openWorld, type World } from '../support/world.ts';

let world: World;
let app: RelyingParty;
beforeAll(async () => {
  world = await openWorld();
  app = await openRelyingParty(world, { first_party: true });
});
afterAll(() => world.close());

/** As many as there are, but for the one that a test asks for. */
async function usesUp(take: Take & { limit: keyof typeof limits }): Promise<void> {
  for (let one = 0; one < limits[take.limit].max; one += 1) await takeFromLimits(world.services, [take]);
}

describe('who sends answers to the second steps of many accounts', () => {
  it('has their right one not looked at for a while; its owner is let in from elsewhere', async () => {
    const account = await carefulAccount(world);
    const attacker = await atSecondStep(world, account);
    await usesUp({ limit: 'second_step_by_address', key: attacker.address });
    const code = await world.freshCode(account.totpSecret);
    await attacker.submits({ code });
    expect([attacker.status, attacker.path.startsWith('/interaction/')]).toEqual([429, true]);
    const owner = await atSecondStep(world, account);
    await owner.submits({ code });
    expect(owner.path).toBe('/account');
  });
});

describe('a code by text message', () => {
  async function askedByText() {
    const account = await carefulAccount(world);
    await giveText(world.services, account.accountId);
    const person = await atSecondStep(world, account);
    await choosesText(person, account);
    return { account, person, code: await world.codeSentTo(account.number) };
  }

  async function choosesText(person: Person, account: Careful) {
    await person.follows('Use a backup method');
    await person.presses(`Use this: A code sent to the number ${lastDigits(account.number)}`);
  }

  it('is good for ten minutes (MF-09)', () =>
    world.still(async () => {
      const [early, late] = [await askedByText(), await askedByText()];
      world.advance(10 * minutes - 1);
      await early.person.submits({ code: early.code });
      expect(early.person.path).toBe('/account');
      world.advance(1);
      await late.person.submits({ code: late.code });
      expect(late.person.alert).toContain('no longer good');
    }));

  it('is dead once a newer one was sent, and after it was used (MF-09)', async () => {
    const { account, person, code } = await askedByText();
    await person.presses('Send another code');
    expect(person.text).toContain('We sent another code');
    const newer = await world.codeSentTo(account.number);
    // Two random codes may be alike once in a million times.
    if (code !== newer) {
      await person.submits({ code });
      expect(person.alert).toMatch(/not right/);
    }
    await person.submits({ code: newer });
    expect(person.path).toBe('/account');
    const again = await atSecondStep(world, account);
    await choosesText(again, account);
    if ((await world.codeSentTo(account.number)) === newer) return;
    await again.submits({ code: newer });
    expect(again.alert).toMatch(/not right/);
  });

  it('adds its failures up over new ones (MF-09)', async () => {
    const { account, person } = await askedByText();
    for (const _ of [1, 2, 3, 4])
      await person.submits({ code: otherThan(await world.codeSentTo(account.number)) });
    await person.presses('Send another code');
    await person.submits({ code: otherThan(await world.codeSentTo(account.number)) });
    await person.submits({ code: await world.codeSentTo(account.number) });
    expect(person.heading).toBe('Sign in');
  });

  it('is good in the sign-in that asked for it, and for nothing else (MF-07)', async () => {
    const { account, person, code } = await askedByText();
    const other = await atSecondStep(world, account);
    await choosesText(other, account);
    const others = await world.codeSentTo(account.number);
    if (others !== code) {
      await other.submits({ code });
      expect(other.alert).toMatch(/not right/);
      await person.submits({ code: others });
      expect(person.alert).toMatch(/not right/);
    }
    // Nor is the code of a reset good here.
    const forgetful = world.person();
    await forgetful.goes(app.asks().url);
    await forgetful.goes(`${forgetful.url}/forgot`);
    await forgetful.submits({ identifier: account.number });
    const reset = await world.codeSentTo(account.number);
    if (reset === code) return;
    await person.submits({ code: reset });
    expect(person.alert).toMatch(/not right/);
  });

  it('stops being sent when an account asked for too many, and the other methods go on (MF-19)', async () => {
    const { account, person } = await askedByText();
    for (let sends = 1; sends < 5; sends += 1) await person.presses('Send another code');
    const sent = (await textsTo(world, account)).length;
    await person.presses('Send another code');
    expect(person.alert).toContain('too many codes');
    expect((await textsTo(world, account)).length).toBe(sent);
    await person.follows('Use a backup method');
    await person.presses('Use this: A code from the app “Authenticator app”');
    await person.submits({ code: await world.freshCode(account.totpSecret) });
    expect(person.path).toBe('/account');
  });

  it('is counted by its account too, whichever numbers it asked for (MF-19)', async () => {
    const account = await carefulAccount(world);
    await giveText(world.services, account.accountId);
    await usesUp({ limit: 'text_by_account', key: account.accountId });
    const person = await atSecondStep(world, account);
    await choosesText(person, account);
    expect([person.alert, await textsTo(world, account)]).toEqual([
      expect.stringContaining('too many codes'),
      [],
    ]);
  });

  it('is counted by the sender’s address, whichever accounts it knows the passwords of (MF-19)', async () => {
    const [account, other] = [await carefulAccount(world), await carefulAccount(world)];
    for (const { accountId } of [account, other]) await giveText(world.services, accountId);
    const attacker = world.person();
    await usesUp({ limit: 'code_by_address', key: attacker.address });
    await choosesText(await atSecondStep(world, account, attacker), account);
    expect([attacker.alert, await textsTo(world, account)]).toEqual([
      expect.stringContaining('too many codes'),
      [],
    ]);
    await choosesText(await atSecondStep(world, other), other);
    expect(await textsTo(world, other)).toHaveLength(1);
  });

  it('does not stand in for the number that reset the password a moment ago', async () => {
    const number = '+491701234567';
    const account = await world.account({ email: 'only-text@example.com', phone: number });
    await giveText(world.services, account.accountId);
    const thief = world.person();
    await thief.goes(app.asks().url);
    await thief.goes(`${thief.url}/forgot`);
    await thief.submits({ identifier: number });
    await thief.submits({ code: await world.codeSentTo(number) });
    const before = (await world.outbox()).filter(({ codes }) => codes.length > 0).length;
    await thief.submits({ password: 'nine-tidy-harbours' });
    expect(thief.heading).toBe('No method can be used');
    expect((await world.outbox()).filter(({ codes }) => codes.length > 0).length).toBe(before);
  });
});
