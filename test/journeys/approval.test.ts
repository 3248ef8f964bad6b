import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { listEvents } from '../../src/audit/list.ts';
import { listTotp } from '../../src/credentials/totp.ts';
import { minutes } from '../../src/kit/durations.ts';
import { signInAddress } from '../../src/oidc/account-client.ts';
import type { Person } from '../support/person.ts';
import {
  asksForApproval,
  atSecondStep,
  aWhile,
  type Careful,
  carefulAccount,
  giveApprovals,
  otherThan,
  signedInFully,
  withPhone,
} from '../support/second-steps.ts';
import { send } from '../support/wire.ts';
import { openWorld, type World } from '../support/world.ts';

let world: World;
let beside: World;
beforeAll(async () => {
  world = await openWorld();
  beside = await openWorld({}, { beside: world });
});
afterAll(async () => {
  await beside.close();
  await world.close();
});

const approvals = () => `${world.issuer}/account/approvals`;

async function stateAt(look: string, person: Person, on = world) {
  const headers = { cookie: person.cookieHeader(look), 'x-forwarded-for': person.address };
  const answer = await send(look, { headers, port: on.port });
  return answer.status === 200 ? JSON.parse(answer.text).state : answer.status;
}

async function eventsOf({ accountId }: Careful, type: string) {
  const events = await listEvents(world.services, { accountId, limit: 50 });
  return events.filter((one) => one.type === type);
}

describe('approval on a signed-in device', () => {
  it('takes the number typed there; the waiting page then goes on, and says how in amr (MF-21)', async () => {
    const { account, phone } = await withPhone(world);
    const { laptop, number, look } = await asksForApproval(world, account);
    expect(number).toMatch(/^\d{6}$/);
    expect(await stateAt(look, laptop)).toBe('waiting');

    await phone.goes(`${world.issuer}/account`);
    expect(phone.text).toContain('Somebody is signing in to your account and asks for your approval.');
    await phone.goes(approvals());
    expect(phone.heading).toBe('Somebody is signing in');
    // The app, the place, the browser and the time; and never the number.
    expect(phone.text).toContain('Your Latchkey account');
    expect(phone.text).toContain(laptop.address);
    expect(phone.text).toContain('Chrome on Linux');
    expect(phone.text).not.toContain(number.slice(0, 3));
    await phone.submits({ number: '' });
    expect([phone.status, phone.alert]).toEqual([400, 'Type the number that the other screen shows.']);
    await phone.submits({ number });
    expect(phone.text).toContain('You approved the sign-in.');

    expect(await stateAt(look, laptop)).toBe('ready');
    await laptop.presses('I’ve approved it');
    expect(laptop.path).toBe('/account');
    const [signedIn] = await eventsOf(account, 'account.signed_in');
    expect(signedIn?.detail['amr']).toEqual(['pwd', 'mca', 'mfa']);
  });

  it('is no way on before it was given, and waiting counts as no try (MF-23, MF-25)', async () => {
    const { account, phone } = await withPhone(world);
    const { laptop, number } = await asksForApproval(world, account);
    for (let press = 0; press < 7; press += 1) await laptop.presses('I’ve approved it');
    expect([laptop.status, laptop.heading]).toEqual([409, 'Two-step verification']);
    expect(laptop.alert).toContain('It hasn’t been approved yet.');
    await phone.goes(approvals());
    await phone.submits({ number });
    await laptop.presses('I’ve approved it');
    expect(laptop.path).toBe('/account');
  });

  it('is refused by a wrong number, which counts, and leads to the start (MF-21)', async () => {
    const { account, phone } = await withPhone(world);
    const { laptop, number, look } = await asksForApproval(world, account);
    await phone.goes(approvals());
    await phone.submits({ number: otherThan(number) });
    expect(phone.heading).toBe('The sign-in was refused');
    expect(await stateAt(look, laptop)).toBe('refused');
    await laptop.presses('I’ve approved it');
    expect([laptop.heading, laptop.alert]).toEqual([
      'Sign in',
      expect.stringContaining('refused on another device'),
    ]);
    expect((await eventsOf(account, 'approval.refused'))[0]?.detail['reason']).toBe('wrong_number');
    const kept = await world.services.db.selectFrom('known_browsers').selectAll().execute();
    const tries = kept.filter((one) => one.account_id === account.accountId);
    expect(tries.map((one) => one.second_step_failures)).toEqual([1]);
    const told = (await world.outbox()).filter(({ to }) => to === account.identifier);
    expect(told[0]?.subject).toContain('was refused');
  });

  it('is refused by a no, which leads to "It wasn’t me"; nobody asks again for an hour (MF-21)', async () => {
    const { account } = await withPhone(world);
    const phone = await signedInFully(world, account, { trust: true });
    const { laptop } = await asksForApproval(world, account);
    await phone.goes(approvals());
    await phone.presses('Refuse');
    expect(phone.heading).toBe('The sign-in was refused');
    expect((await eventsOf(account, 'trusted_devices.dropped'))[0]?.detail['reason']).toBe('high_risk');
    await laptop.presses('I’ve approved it');
    expect(laptop.heading).toBe('Sign in');
    const { laptop: again, number } = await asksForApproval(world, account);
    expect(number).toBe('');
    expect(again.alert).toBe('This method can’t be used right now. Use another one.');
    await phone.presses('It wasn’t me');
    expect(phone.heading).toBe('Wasn’t it you?');
    await phone.presses('It wasn’t me, shut the account');
    expect(phone.heading).toBe('The account is shut');
    await phone.goes(`${world.issuer}/account`);
    expect(phone.heading).toBe('Sign in');
  });

  it('lasts five minutes (MF-21)', async () => {
    const { account, phone } = await withPhone(world);
    const { laptop, look } = await asksForApproval(world, account);
    await phone.goes(approvals());
    const page = phone.url;
    world.advance(5 * minutes);
    expect(await stateAt(look, laptop)).toBe('expired');
    await phone.goes(page);
    expect(phone.status).toBe(404);
    await laptop.presses('I’ve approved it');
    expect(laptop.alert).toContain('took too long');
    await laptop.presses('Ask again');
    expect(laptop.text).toContain('Only the new number is right.');
  });

  it('is over when the sign-in goes another way, back, or begins again (MF-23)', async () => {
    const { account, phone } = await withPhone(world);
    for (const leave of ['second-step/method', 'start-over', 'cancel']) {
      const { laptop, number } = await asksForApproval(world, account);
      await phone.goes(approvals());
      const page = phone.url;
      const [totp] = await listTotp(world.services, account.accountId);
      const form = { method: `totp.${totp?.id}` };
      await laptop.isSentTo(`${laptop.url}/${leave}`, { form, from: world.issuer });
      await phone.isSentTo(page, { form: { number }, from: world.issuer });
      expect([leave, phone.status]).toEqual([leave, 404]);
      world.advance(61 * minutes);
    }
  });

  it('is given by another account’s session, the waiting one, or a guessed address never (MF-23)', async () => {
    const { account, phone } = await withPhone(world);
    const stranger = (await withPhone(world)).phone;
    const { number } = await asksForApproval(world, account);
    await phone.goes(approvals());
    const page = phone.url;
    for (const path of [page, `${page}/refuse`]) {
      await stranger.isSentTo(path, { form: { number }, from: world.issuer });
      expect([path, stranger.status]).toEqual([path, 404]);
    }
    await phone.isSentTo(`${page.slice(0, -1)}${page.endsWith('a') ? 'b' : 'a'}`, {
      form: { number },
      from: world.issuer,
    });
    expect(phone.status).toBe(404);
    // The phone itself signs in anew: it is not asked to approve itself.
    await phone.goes(`${world.issuer}${signInAddress(world.services, { page: 'overview', fresh: true })}`);
    await phone.submits({ identifier: account.identifier, password: account.password });
    await phone.follows('Use a backup method');
    expect(phone.text).not.toContain('Approval on another device');
  });

  it('asks a session that skipped the second step, or was approved itself, for a proof first (MF-23)', async () => {
    const { account } = await withPhone(world);
    const trusted = await signedInFully(world, account, { trust: true });
    await trusted.goes(`${world.issuer}/account`);
    await trusted.presses('Sign out');
    await trusted.goes(`${world.issuer}/account`);
    await trusted.signsIn({ identifier: account.identifier, password: account.password });
    expect(trusted.path).toBe('/account');
    const first = await asksForApproval(world, account);
    world.advance(1 * minutes);
    await trusted.goes(approvals());
    expect(trusted.heading).toBe('Confirm that it’s you');
    await trusted.submits({ code: await world.freshCode(account.totpSecret) });
    await trusted.submits({ number: first.number });
    expect(trusted.text).toContain('You approved the sign-in.');
    await first.laptop.presses('I’ve approved it');
    expect(first.laptop.path).toBe('/account');

    // An approved session begets no other.
    const second = await asksForApproval(world, account);
    await first.laptop.goes(approvals());
    expect(first.laptop.heading).toBe('Confirm that it’s you');
    expect(second.number).toMatch(/^\d{6}$/);
  });

  it('is answered by whichever server is there, to the browser that asked alone (MF-25)', async () => {
    const { account, phone } = await withPhone(world);
    const { laptop, number, look } = await asksForApproval(world, account);
    expect(await stateAt(look, laptop, beside)).toBe('waiting');
    expect(await stateAt(look, world.person(), beside)).toBe(410);
    expect(await stateAt(look, (await asksForApproval(world, account)).laptop)).toBe(410);
    await phone.goes(approvals());
    expect(phone.text).toContain('More than one sign-in waits.');
    await phone.follows('Look at it: Your Latchkey account, Chrome on Linux');
    await phone.submits({ number });
    expect(await stateAt(look, laptop, beside)).toBe('ready');
  });

  it('can be asked for five times an hour, whoever knows the password', async () => {
    const { account } = await withPhone(world);
    for (let time = 0; time < 5; time += 1) await asksForApproval(world, account);
    const { laptop, number } = await asksForApproval(world, account);
    expect(number).toBe('');
    expect(laptop.alert).toBe('Approval was asked for too often. Use another method, or try again later.');
    await atSecondStep(world, account, laptop);
  });
});

describe('the setting', () => {
  it('is turned on and off after a fresh proof, and every address is told', async () => {
    const account = await carefulAccount(world);
    const phone = await signedInFully(world, account);
    await phone.goes(`${world.issuer}/account/two-step/approvals`);
    await phone.presses('Turn on');
    expect(phone.text).toContain('You can approve sign-ins on your other devices from now on.');
    const told = (await world.outbox()).filter(({ to }) => [account.identifier, account.number].includes(to));
    expect(
      told
        .slice(0, 2)
        .map(({ channel }) => channel)
        .toSorted(),
    ).toEqual(['email', 'sms']);
    // It can be asked first.
    await phone.presses('Ask first: Approval on another device');
    const { number } = await asksForApproval(world, account);
    expect(number).toMatch(/^\d{6}$/);
    await phone.goes(`${world.issuer}/account/two-step/approvals`);
    await phone.presses('Turn off');
    const laptop = await atSecondStep(world, account);
    await laptop.follows('Use a backup method');
    expect(laptop.text).not.toContain('Approval on another device');
    world.advance(aWhile);
    await phone.goes(`${world.issuer}/account/two-step/approvals`);
    expect(phone.heading).toBe('Confirm that it’s you');
  });

  it('is the operator’s first: switched off, nobody approves, also not who had turned it on', async () => {
    const strict = await openWorld({ APPROVALS: 'off' });
    const account = await carefulAccount(strict);
    await giveApprovals(strict.services, account.accountId);
    const phone = await signedInFully(strict, account);
    const laptop = await atSecondStep(strict, account);
    await laptop.follows('Use a backup method');
    expect(laptop.text).not.toContain('Approve this sign-in on another device');
    await phone.goes(`${strict.issuer}/account/two-step`);
    expect(phone.heading).toContain('Two-step verification');
    expect(phone.text).not.toContain('Approval on another device');
    await phone.goes(`${strict.issuer}/account/two-step/approvals`);
    expect(phone.status).toBe(404);
    await phone.isSentTo(phone.url, { form: { approvals: 'on' }, from: strict.issuer });
    expect(phone.status).toBe(404);
    await strict.close();
  });

  it('is not offered without another session, and is never the only method', async () => {
    const account = await carefulAccount(world);
    await giveApprovals(world.services, account.accountId);
    const laptop = await atSecondStep(world, account);
    await laptop.follows('Use a backup method');
    expect(laptop.text).not.toContain('Approval on another device');
    const phone = await signedInFully(world, account);
    await phone.goes(`${world.issuer}/account`);
    expect(phone.text).toContain('You have only one method.');
  });
});
