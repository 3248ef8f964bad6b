import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { minutes } from '../../../src/kit/durations.ts';
import { limits } from '../../../src/limits/limits.ts';
import { openRelyingParty } from '../../support/relying-party.ts';
import {
  asksForApproval,
  atSecondStep,
  carefulAccount,
  giveText,
  lastDigits,
  signedInFully,
  textsTo,
  withPhone,
} from '../../support/second-steps.ts';
import { ask, atRequest, till, waiting } from '../../support/tills.ts';
import { until } from '../../support/timing.ts';
import { wipeLiveState } from '../../support/wipe-live.ts';
import type { World } from '../../support/world.ts';
import { worldKinds } from '../../support/world-kinds.ts';

/** Whoever pesters somebody wins nothing by the loss of the live state; guesses are in guessing.test.ts and guessing-codes.test.ts. */
describe.each(worldKinds)('after the loss of the live state, on $name', ({ open }) => {
  let world: World;
  beforeAll(async () => {
    world = await open();
  });
  afterAll(() => world.close());

  it('nobody asks for an approval who was told no, until the hour is over', async () => {
    const { account, phone } = await withPhone(world);
    await asksForApproval(world, account);
    await phone.goes(`${world.issuer}/account/approvals`);
    await phone.presses('Refuse');
    expect(phone.heading).toBe('The sign-in was refused');
    await wipeLiveState(world);
    await signedInFully(world, account);
    const { laptop, number } = await asksForApproval(world, account);
    expect(number).toBe('');
    expect(laptop.alert).toBe('This method can’t be used right now. Use another one.');
    world.advance(60 * minutes);
    expect((await asksForApproval(world, account)).number).toMatch(/^\d{6}$/);
  });

  it('an approval that was asked for too often is not asked for anew', async () => {
    const { account } = await withPhone(world);
    for (let time = 0; time < limits.approval_by_account.max; time += 1)
      expect((await asksForApproval(world, account)).number).toMatch(/^\d{6}$/);
    await wipeLiveState(world);
    await signedInFully(world, account);
    const { laptop, number } = await asksForApproval(world, account);
    expect(number).toBe('');
    expect(laptop.alert).toBe('Approval was asked for too often. Use another method, or try again later.');
  });

  it('the number of an account gets no more text messages than before', async () => {
    const account = await carefulAccount(world);
    await giveText(world.services, account.accountId);
    const asks = async () => {
      const person = await atSecondStep(world, account);
      await person.follows('Use a backup method');
      await person.presses(`Use this: A code sent to the number ${lastDigits(account.number)}`);
    };
    for (let time = 0; time < 2 * limits.text_by_account.max; time += 1) {
      await asks();
      // What bounds messages to one number is counted by the number, in the live state.
      await wipeLiveState(world);
    }
    expect(await textsTo(world, account)).toHaveLength(limits.text_by_account.max);
  });

  it('an app that was refused three times stays away, and asks for no more messages', async () => {
    const [app, account] = [await openRelyingParty(world, till), await world.account()];
    const person = world.person();
    for (let time = 0; time < limits.ciba_refusals_by_app_and_account.max; time += 1) {
      await ask(app, { login_hint: account.identifier });
      await atRequest(world, app, account, person);
      await person.decides('deny');
    }
    await wipeLiveState(world);
    await ask(app, { login_hint: account.identifier });
    const other = await openRelyingParty(world, till);
    await ask(other, { login_hint: account.identifier });
    // What is done for the person is done after the app was answered: by then the first was looked at too.
    await until(async () => {
      await person.goes(`${world.issuer}/account/requests`);
      if (person.heading === 'Sign in') await person.signsIn(account);
      return waiting(person, other) > 0;
    });
    expect(waiting(person, app)).toBe(0);
  });
});
