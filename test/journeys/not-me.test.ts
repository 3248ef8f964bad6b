import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { notifyAccount } from '../../src/actions/notify-account.ts';
import { raiseAlarm } from '../../src/actions/raise-alarm.ts';
import { listEvents } from '../../src/audit/list.ts';
import { addAlarm } from '../../src/credentials/alarms.ts';
import { days, hours } from '../../src/kit/durations.ts';
import { listSessions } from '../../src/oidc/sessions.ts';
import { openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import {
  atSecondStep,
  aWhile,
  type Careful,
  carefulAccount,
  signedInFully,
} from '../support/second-steps.ts';
import { send } from '../support/wire.ts';
import { openWorld, type World } from '../support/world.ts';

let world: World;
let app: RelyingParty;
beforeAll(async () => {
  world = await openWorld();
  app = await openRelyingParty(world);
});
afterAll(() => world.close());

/** A notice, and the link in it. */
async function notified(account: Careful): Promise<string> {
  await notifyAccount(world.services, { accountId: account.accountId, template: 'password_changed' });
  return linkTo(account.identifier);
}

async function linkTo(address: string): Promise<string> {
  const message = (await world.outbox()).find(({ to, links }) => to === address && links.length > 0);
  return message?.links[0] ?? '';
}

describe('"It wasn’t me"', () => {
  it('stands in the notice to every proved address, and lets nobody in', async () => {
    const account = await carefulAccount(world);
    const link = await notified(account);
    expect(link).toMatch(new RegExp(`^${world.issuer}/account/not-me\\?link=[\\w-]{43}$`));
    expect(await linkTo(account.number)).toBe(link);
    const kept = JSON.stringify(await world.services.db.selectFrom('alarms').selectAll().execute());
    expect(kept).not.toContain(new URL(link).searchParams.get('link'));
  });

  it('does nothing when a scanner opens it, however often', async () => {
    const account = await carefulAccount(world);
    const person = await signedInFully(world, account);
    const link = await notified(account);
    for (const method of ['GET', 'HEAD', 'GET']) {
      const answer = await send(link, { method });
      expect(answer.status).toBe(200);
      expect(answer.headers['cache-control']).toBe('no-store');
    }
    await person.goes(`${world.issuer}/account`);
    expect(person.path).toBe('/account');
    expect(await listSessions(world.services, account.accountId)).toHaveLength(1);
  });

  it('ends every session and every app’s access, and the password; the owner comes back by a reset', async () => {
    const account = await carefulAccount(world);
    const thief = world.person();
    const tokens = await app.signsIn(thief, account, {
      scope: 'openid email offline_access',
      prompt: 'consent',
    });
    const trusted = await signedInFully(world, account, { trust: true });
    const owner = world.person();
    await owner.goes(await notified(account));
    expect([owner.heading, owner.text]).toEqual([
      'Wasn’t it you?',
      expect.stringContaining('Your password was changed.'),
    ]);
    await owner.presses('It wasn’t me, shut the account');
    expect(owner.heading).toBe('The account is shut');

    expect(await listSessions(world.services, account.accountId)).toEqual([]);
    expect((await app.userinfo(tokens.access_token)).status).toBe(401);
    expect((await app.refreshes(tokens.refresh_token)).json).toMatchObject({ error: 'invalid_grant' });
    await thief.goes(`${world.issuer}/account`);
    await thief.submits({ identifier: account.identifier, password: account.password });
    expect([thief.heading, thief.status]).toEqual(['Sign in', 400]);

    await owner.follows('Choose a new password');
    expect(owner.heading).not.toBe('Sign in');
    await owner.submits({ identifier: account.identifier });
    await owner.submits({ code: await world.codeSentTo(account.identifier) });
    await owner.submits({ password: 'nine-tidy-harbours' });
    expect(owner.heading).toBe('Two-step verification');
    await owner.submits({ code: await world.freshCode(account.totpSecret) });
    expect(owner.path).toBe('/account');
    // The browser that was trusted asks for the second step again.
    const again = { ...account, password: 'nine-tidy-harbours' };
    await atSecondStep(world, again, trusted);
    expect(trusted.heading).toBe('Two-step verification');

    const events = await listEvents(world.services, { accountId: account.accountId, limit: 50 });
    const raised = events.find(({ type }) => type === 'account.alarm_raised');
    expect(raised?.detail).toMatchObject({ about: 'password_changed', sessions_ended: 2 });
    const told = (await world.outbox()).filter(({ text }) => /was shut|for 24 hours/.test(text));
    expect(told.map(({ to }) => to)).toEqual(expect.arrayContaining([account.identifier, account.number]));
  });

  it('holds sensitive changes for a day, also against who has everything', async () => {
    const account = await carefulAccount(world);
    const link = await notified(account);
    const owner = world.person();
    await owner.goes(link);
    await owner.presses('It wasn’t me, shut the account');
    await owner.follows('Choose a new password');
    await owner.submits({ identifier: account.identifier });
    await owner.submits({ code: await world.codeSentTo(account.identifier) });
    await owner.submits({ password: 'nine-tidy-harbours' });
    await owner.submits({ code: await world.freshCode(account.totpSecret) });
    for (const page of ['two-step/new', 'two-step/codes', 'two-step/off', 'password', 'passkeys/new']) {
      await owner.goes(`${world.issuer}/account/${page}`);
      expect([page, owner.status, owner.errorCode]).toEqual([page, 403, 'changes_on_hold']);
    }
    // What makes the account safer is still there.
    await owner.goes(`${world.issuer}/account/devices`);
    expect(owner.status).toBe(200);
    world.advance(24 * hours);
    const later = await signedInFully(world, { ...account, password: 'nine-tidy-harbours' });
    await later.goes(`${world.issuer}/account/two-step/new`);
    expect(later.heading).toBe('Set up an authenticator app');
  });

  it('works once, of two presses at once too, and for a week', async () => {
    const account = await carefulAccount(world);
    const link = await notified(account);
    const secret = new URL(link).searchParams.get('link') ?? '';
    const press = () =>
      world
        .person()
        .isSentTo(`${world.issuer}/account/not-me`, { form: { link: secret }, from: world.issuer });
    const pressed = await Promise.all([press(), press()]);
    expect(pressed.map(({ status }) => status).sort()).toEqual([200, 410]);
    const late = world.person();
    await late.goes(link);
    expect([late.status, late.errorCode, late.heading]).toEqual([
      410,
      'link_is_over',
      'The account is shut already',
    ]);

    // Also where all of them looked before the first was through.
    const another = await addAlarm(world.services, {
      accountId: account.accountId,
      about: 'password_changed',
    });
    const from = { ip: '192.0.2.1', userAgent: 'test', requestId: 'test' };
    const raised = await Promise.all(
      Array.from({ length: 8 }, () => raiseAlarm(world.services, { secret: another, locale: 'en' }, from)),
    );
    expect(raised.filter(({ ok }) => ok)).toHaveLength(1);

    const other = await carefulAccount(world);
    const old = await notified(other);
    world.advance(7 * days + aWhile);
    await late.goes(old);
    expect([late.status, late.heading]).toEqual([410, 'This link doesn’t work any more']);
    expect((await atSecondStep(world, other)).heading).toBe('Two-step verification');
  });

  it.each([
    ['made up', 'x'.repeat(43)],
    ['empty', ''],
    ['long', 'x'.repeat(100)],
    ['of another kind', 'account-1'],
  ])('is nothing when it is %s', async (_, secret) => {
    const person = world.person();
    await person.goes(`${world.issuer}/account/not-me?link=${secret}`);
    expect([person.status, person.errorCode]).toEqual([410, 'link_is_over']);
    await person.isSentTo(`${world.issuer}/account/not-me`, { form: { link: secret }, from: world.issuer });
    expect([person.status, person.errorCode]).toEqual([410, 'link_is_over']);
  });

  it('is pressed on our page and on no other', async () => {
    const account = await carefulAccount(world);
    const link = await notified(account);
    const secret = new URL(link).searchParams.get('link') ?? '';
    const person = await signedInFully(world, account);
    await person.isSentTo(`${world.issuer}/account/not-me`, { form: { link: secret } });
    expect([person.status, person.errorCode]).toEqual([403, 'cross_site']);
    await person.goes(`${world.issuer}/account`);
    expect(person.path).toBe('/account');
  });
});
