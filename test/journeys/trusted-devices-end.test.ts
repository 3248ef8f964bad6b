import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { endAccountSessions } from '../../src/actions/end-account-sessions.ts';
import { lockAccount } from '../../src/actions/lock-account.ts';
import { notifyAccount } from '../../src/actions/notify-account.ts';
import { reinstateAccount } from '../../src/actions/reinstate-account.ts';
import { suspendAccount } from '../../src/actions/suspend-account.ts';
import { unlockAccount } from '../../src/actions/unlock-account.ts';
import { setPassword } from '../../src/credentials/password.ts';
import { listTrustedDevices } from '../../src/credentials/trusted-devices.ts';
import { days, minutes } from '../../src/kit/durations.ts';
import { aPasskey } from '../support/passkeys.ts';
import type { Person } from '../support/person.ts';
import { openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import {
  asksForApproval,
  atSecondStep,
  aWhile,
  type Careful,
  carefulAccount,
  giveApprovals,
  giveTotp,
  signedInFully,
  wrongCode,
} from '../support/second-steps.ts';
import type { TestServices } from '../support/stores.ts';
import { afterPassword, devicesIn, firefox, trusting, withDevicesOf } from '../support/trusted-devices.ts';
import { openWorld, type World } from '../support/world.ts';

/** When a browser is trusted no more (misuse case MF-13). */
let world: World;
let app: RelyingParty;
beforeAll(async () => {
  world = await openWorld();
  app = await openRelyingParty(world, { first_party: true });
});
afterAll(() => world.close());

describe('the trust in a browser', () => {
  it('ends thirty days after it began, however often it is used', async () => {
    const account = await carefulAccount(world);
    const person = await trusting(world, account);
    for (let week = 0; week < 4; week += 1) {
      world.advance(7 * days);
      expect(await afterPassword(world, await withDevicesOf(world, person), account)).toBe('skipped');
    }
    const pairs = devicesIn(world, person);
    world.advance(2 * days);
    const late = world.person({ userAgent: firefox });
    for (const pair of pairs) await late.cookies.setCookie(pair, world.issuer);
    expect(await afterPassword(world, late, account)).toBe('asked');
  });

  it('ends when the operator says (TRUSTED_DEVICE_DAYS), which the page and the cookie say too', async () => {
    const short = await openWorld({ TRUSTED_DEVICE_DAYS: '3' });
    const account = await carefulAccount(short);
    const person = await atSecondStep(short, account, short.person({ userAgent: firefox }));
    expect(person.text).toMatch(/3 days/);
    await person.submits({ code: await short.freshCode(account.totpSecret), trust_device: 'yes' });
    const cookie = person.setCookies.find((one) => one.startsWith('device.')) ?? '';
    const left = Number(/Max-Age=(\d+)/.exec(cookie)?.[1]) * 1000;
    expect([left > 3 * days - 10 * minutes, left <= 3 * days]).toEqual([true, true]);
    const copies = [await withDevicesOf(short, person), await withDevicesOf(short, person)] as const;
    // What their jars make of the time is not the question.
    short.advance(3 * days - 10 * minutes);
    expect(await afterPassword(short, copies[0], account)).toBe('skipped');
    short.advance(10 * minutes);
    expect(await afterPassword(short, copies[1], account)).toBe('asked');
    await short.close();
  });

  it.each<[string, (account: Careful, person: Person) => Promise<unknown>]>([
    [
      'the password is changed',
      async (account, person) => {
        await person.goes(`${world.issuer}/account/password`);
        await person.submits({ password: account.password, new_password: 'nine-tidy-harbours' });
        expect(person.text).toContain('Your password was changed');
        account.password = 'nine-tidy-harbours';
      },
    ],
    [
      'the password is reset',
      async (account) => {
        const forgetful = world.person();
        await forgetful.goes(app.asks().url);
        await forgetful.goes(`${forgetful.url}/forgot`);
        await forgetful.submits({ identifier: account.identifier });
        await forgetful.submits({ code: await world.codeSentTo(account.identifier) });
        await forgetful.submits({ password: 'nine-tidy-harbours' });
        expect(forgetful.heading).toBe('Two-step verification');
        account.password = 'nine-tidy-harbours';
      },
    ],
    [
      'a method is removed',
      async (account, person) => {
        const { id } = await giveTotp(world.services, account.accountId, 'Old phone');
        await person.goes(`${world.issuer}/account/two-step/remove?method=totp.${id}`);
        await person.presses('Remove');
        expect(person.text).toContain('The method was removed');
      },
    ],
    [
      'a passkey is removed',
      async ({ accountId }, person) => {
        await aPasskey(world.services as unknown as TestServices, accountId);
        await person.goes(`${world.issuer}/account/passkeys`);
        await person.follows('Remove Passkey');
        await person.presses('Remove');
        expect(person.text).toContain('It was removed');
      },
    ],
    [
      'approvals on other devices are turned off',
      async ({ accountId }, person) => {
        await giveApprovals(world.services, accountId);
        await person.goes(`${world.issuer}/account/two-step/approvals`);
        await person.presses('Turn off');
      },
    ],
    [
      'two-step verification is turned off, and on again',
      async ({ accountId }, person) => {
        await person.goes(`${world.issuer}/account/two-step/off`);
        await person.presses('Turn off two-step verification');
        await giveTotp(world.services, accountId);
      },
    ],
    [
      'a password that attackers know is changed while signing in',
      async (account) => {
        account.password = 'password123';
        await setPassword(world.services, account);
        const careless = await signedInFully(world, account);
        expect(careless.heading).toBe('Choose a new password');
        account.password = 'nine-tidy-harbours';
        await careless.submits({ password: account.password });
        expect(careless.path).toBe('/account');
      },
    ],
    [
      'it wasn’t them',
      async (account) => {
        const { accountId, identifier } = account;
        await notifyAccount(world.services, { accountId, template: 'password_changed' });
        const notice = (await world.outbox()).find(({ to, links }) => to === identifier && links.length > 0);
        const owner = await world.person().goes(notice?.links[0] ?? '');
        await owner.presses('It wasn’t me, shut the account');
        expect(owner.heading).toBe('The account is shut');
        // Before there is a password again, which would end the trust by itself.
        expect(await listTrustedDevices(world.services, accountId)).toEqual([]);
        await setPassword(world.services, account);
      },
    ],
    [
      'a sign-in is refused on another device',
      async (account, person) => {
        await giveApprovals(world.services, account.accountId);
        await asksForApproval(world, account);
        await person.goes(`${world.issuer}/account/approvals`);
        await person.presses('Refuse');
        expect(person.heading).toBe('The sign-in was refused');
      },
    ],
    [
      'an operator suspends the account',
      async ({ accountId }) => {
        await suspendAccount(world.services, { accountId, reason: 'test' });
        await reinstateAccount(world.services, { accountId, reason: 'test' });
      },
    ],
    [
      'an operator signs the person out everywhere',
      ({ accountId }) => endAccountSessions(world.services, { accountId }),
    ],
    [
      'an operator locks the account',
      async ({ accountId }) => {
        await lockAccount(world.services, { accountId, reason: 'test' });
        await unlockAccount(world.services, { accountId, reason: 'test' });
      },
    ],
    [
      'somebody with the password only guesses at the second step',
      async (account) => {
        const guesser = await atSecondStep(world, account);
        for (let tries = 0; tries < 5; tries += 1)
          await guesser.submits({ code: await wrongCode(account.totpSecret) });
        world.advance(aWhile);
      },
    ],
    [
      'it is removed from the list',
      async (_, person) => {
        await person.goes(`${world.issuer}/account/devices`);
        await person.presses('Remove Firefox on Linux');
      },
    ],
    [
      'all are removed',
      async (_, person) => {
        await person.goes(`${world.issuer}/account/devices`);
        await person.presses('Remove all');
      },
    ],
  ])('ends at once when %s', async (_, happens) => {
    const account = await carefulAccount(world);
    const person = await trusting(world, account);
    const copy = await withDevicesOf(world, person);
    await happens(account, person);
    expect(await afterPassword(world, copy, account)).toBe('asked');
  });

  it('is not given to a sign-in that was under way when it ended for all', async () => {
    const account = await carefulAccount(world);
    const slow = await atSecondStep(world, account, world.person({ userAgent: firefox }));
    world.advance(1000);
    await lockAccount(world.services, { accountId: account.accountId, reason: 'test' });
    await unlockAccount(world.services, { accountId: account.accountId, reason: 'test' });
    await slow.submits({ code: await world.freshCode(account.totpSecret), trust_device: 'yes' });
    expect(devicesIn(world, slow)).toEqual([]);
  });
});
