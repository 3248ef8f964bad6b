import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { listEvents } from '../../src/audit/list.ts';
import { listTrustedDevices } from '../../src/credentials/trusted-devices.ts';
import { minutes } from '../../src/kit/durations.ts';
import { sendsAlone } from '../support/lone-form.ts';
import { arrivalOf, openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import {
  atSecondStep,
  carefulAccount,
  giveBackupCodes,
  giveText,
  lastDigits,
  signedInFully,
  textsTo,
  wrongCode,
} from '../support/second-steps.ts';
import { openWorld, type World } from '../support/world.ts';

let world: World;
let app: RelyingParty;
beforeAll(async () => {
  world = await openWorld();
  app = await openRelyingParty(world, { first_party: true });
});
afterAll(() => world.close());

const title = 'Two-step verification';

describe('choosing a method', () => {
  it('asks the authenticator app first, and lists the others behind "Use a backup method"', async () => {
    const account = await carefulAccount(world);
    await giveText(world.services, account.accountId);
    await giveBackupCodes(world.services, account.accountId);
    const person = await atSecondStep(world, account);
    expect(person.text).toContain('your authenticator app shows');
    await person.follows('Use a backup method');
    expect(person.heading).toBe('Choose a method');
    expect(person.html.textsOf('h2')).toEqual(['Authenticator app', 'Text message Weaker', 'Backup codes']);
    expect(person.text).toContain('10 codes left');
    // Looking sent nothing.
    expect(await textsTo(world, account)).toEqual([]);
    await person.follows('Back');
    expect([person.heading, person.text.includes('your authenticator app shows')]).toEqual([title, true]);
  });

  it('says so where there is only one', async () => {
    const person = await atSecondStep(world, await carefulAccount(world));
    await person.follows('Use a backup method');
    expect(person.text).toContain('no other method');
  });

  it('takes a text message for a code, and never shows the number to who only knows the password', async () => {
    const account = await carefulAccount(world);
    await giveText(world.services, account.accountId);
    const person = await atSecondStep(world, account);
    await person.follows('Use a backup method');
    await person.presses(`Use this: A code sent to the number ${lastDigits(account.number)}`);
    expect(person.text).toContain(`${lastDigits(account.number)}`);
    expect(person.html.source).not.toContain(account.number.slice(4, -2));
    await person.submits({ code: await world.codeSentTo(account.number) });
    expect(person.path).toBe('/account');
  });

  it('takes a backup code as people type it, once, and tells every address how many are left (MF-11)', async () => {
    const account = await carefulAccount(world);
    const [code = ''] = await giveBackupCodes(world.services, account.accountId);
    const typed = ` ${code.toUpperCase().replace('-', ' ')} `;
    const person = await atSecondStep(world, account);
    await person.follows('Use a backup method');
    await person.presses('Use this: 10 codes left');
    await person.submits({ code: typed });
    expect(person.path).toBe('/account');
    const told = (await world.outbox()).filter(({ text }) => text.includes('9') && /backup code/.test(text));
    expect(told.map(({ to }) => to).sort()).toEqual([account.identifier, account.number].sort());

    const again = await atSecondStep(world, account);
    await again.follows('Use a backup method');
    await again.presses('Use this: 9 codes left');
    await again.submits({ code });
    expect([again.status, again.alert]).toEqual([400, expect.stringContaining('was used before')]);
  });

  it('puts the preferred method first, and forgets a preference for what is gone', async () => {
    const account = await carefulAccount(world);
    await giveText(world.services, account.accountId);
    const person = await signedInFully(world, account);
    await person.goes(`${world.issuer}/account/two-step`);
    await person.presses(`Ask first: ${lastDigits(account.number)}`);
    expect(person.text).toContain('asked first from now on');
    expect((await atSecondStep(world, account)).text).toContain('sent by text message');
    await person.follows(`Remove ${lastDigits(account.number)}`);
    await person.presses('Remove');
    expect((await atSecondStep(world, account)).text).toContain('your authenticator app shows');
  });

  it('has no e-mail among them, whatever is posted', async () => {
    const account = await carefulAccount(world);
    const person = await atSecondStep(world, account);
    const before = (await world.outbox()).length;
    for (const method of ['email', 'email.x', 'text.x', 'passkey', '', 'x'.repeat(99)])
      await person.isSentTo(`${person.url}/second-step/method`, { form: { method }, from: world.issuer });
    await person.goes(person.url);
    expect(person.heading).toBe(title);
    expect((await world.outbox()).length).toBe(before);
  });
});

describe('wrong answers', () => {
  it('end the challenge after five, of whichever methods; the owner is told (MF-01)', async () => {
    const account = await carefulAccount(world);
    const [code = ''] = await giveBackupCodes(world.services, account.accountId);
    const person = await atSecondStep(world, account);
    const wrong = await wrongCode(account.totpSecret);
    for (const _ of [1, 2, 3]) await person.submits({ code: wrong });
    await person.follows('Use a backup method');
    await person.presses('Use this: 10 codes left');
    for (const _ of [1, 2]) await person.submits({ code: 'aaaaa-aaaaa' });
    const [newest] = await world.outbox();
    expect(newest?.text).toMatch(/five wrong codes/);
    // The right one is no good in it any more, nor is it used up.
    await person.submits({ code });
    expect(person.heading).toBe('Sign in');
    world.advance(20 * minutes);
    const again = await atSecondStep(world, account);
    await again.follows('Use a backup method');
    await again.presses('Use this: 10 codes left');
    await again.submits({ code });
    expect(again.path).toBe('/account');
  });

  it('leave nothing behind but an audit event with the method and the reason', async () => {
    const account = await carefulAccount(world);
    const person = await atSecondStep(world, account);
    await person.submits({ code: await wrongCode(account.totpSecret) });
    expect([person.status, person.heading]).toEqual([400, title]);
    const [event] = await listEvents(world.services, { accountId: account.accountId, limit: 1 });
    expect(event).toMatchObject({
      type: 'account.second_step_failed',
      detail: { reason: 'wrong_code', method: 'totp' },
    });
  });
});

describe('submissions out of their order', () => {
  it('at once make one session', async () => {
    const account = await carefulAccount(world);
    const person = await atSecondStep(world, account);
    const code = await world.freshCode(account.totpSecret);
    const form = { code, trust_device: 'yes' };
    const page = `${person.path}/second-step`;
    const post = () => sendsAlone(person, { page, form, port: world.port });
    const answers = await Promise.all([post(), post(), post()]);
    const onward = answers.filter(({ headers }) => headers.location?.includes('/authorize/'));
    expect(onward).toHaveLength(1);
    expect(answers.filter(({ status }) => status >= 500)).toEqual([]);
    expect(await listTrustedDevices(world.services, account.accountId)).toHaveLength(1);
  });

  it('lead to where things stand: another step, another account, another browser', async () => {
    const account = await carefulAccount(world);
    const person = await atSecondStep(world, account);
    const form = { code: await world.freshCode(account.totpSecret), method: 'totp.x' };
    for (const path of ['reset-code', 'prove', 'resend', 'new-password', 'consent']) {
      await person.isSentTo(`${person.url.replace(/\/[a-z-]+$/, '')}/${path}`, { form, from: world.issuer });
      expect([path, person.heading]).toEqual([path, title]);
    }
    const stranger = world.person();
    await stranger.goes(`${world.issuer}/account`);
    for (const path of ['second-step', 'second-step/method']) {
      await stranger.isSentTo(`${stranger.url}/${path}`, { form, from: world.issuer });
      expect([path, stranger.heading]).toEqual([path, 'Sign in']);
      await stranger.isSentTo(`${person.url}/${path}`, { form, from: world.issuer });
      expect([path, stranger.errorCode]).toEqual([path, 'interaction_expired']);
      await stranger.goes(`${world.issuer}/account`);
    }
    await person.submits({ code: form.code });
    expect(person.path).toBe('/account');
  });
});

describe('TOTP codes', () => {
  it('are good once, never after a newer one, and one step to either side (MF-03)', async () => {
    const account = await carefulAccount(world);
    const first = await atSecondStep(world, account);
    const older = await world.freshCode(account.totpSecret);
    const newer = await world.freshCode(account.totpSecret);
    await first.submits({ code: newer });
    expect(first.path).toBe('/account');
    for (const code of [newer, older]) {
      const again = await atSecondStep(world, account);
      await again.submits({ code });
      expect(again.alert).toMatch(/not right/);
    }
    const stale = await world.freshCode(account.totpSecret);
    world.advance(61_000);
    const late = await atSecondStep(world, account);
    await late.submits({ code: stale });
    expect(late.alert).toMatch(/not right/);
  });
});

describe('what is said of a sign-in', () => {
  it.each([
    ['an authenticator app', ['pwd', 'otp', 'mfa'], 'app'],
    ['a text message', ['pwd', 'sms', 'mfa'], 'text'],
    ['a backup code', ['pwd', 'otp', 'mfa'], 'codes'],
  ] as const)('is true of %s (MF-27)', async (_, amr, how) => {
    const account = await carefulAccount(world);
    if (how === 'text') await giveText(world.services, account.accountId);
    const [backup = ''] = how === 'codes' ? await giveBackupCodes(world.services, account.accountId) : [];
    const person = world.person();
    const attempt = app.asks();
    await person.goes(attempt.url);
    await person.submits({ identifier: account.identifier, password: account.password });
    if (how === 'text' || how === 'codes') await person.follows('Use a backup method');
    if (how === 'text')
      await person.presses(`Use this: A code sent to the number ${lastDigits(account.number)}`);
    if (how === 'codes') await person.presses('Use this: 10 codes left');
    const code =
      how === 'text'
        ? await world.codeSentTo(account.number)
        : backup || (await world.freshCode(account.totpSecret));
    await person.submits({ code });
    expect(arrivalOf(person).searchParams.has('code')).toBe(true);
    await app.receives(person, attempt);
    const events = await listEvents(world.services, { accountId: account.accountId, limit: 10 });
    const signedIn = events.find(({ type }) => type === 'account.signed_in');
    expect(signedIn?.detail['amr']).toEqual(amr);
  });
});
