import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { generate } from 'otplib';
import { newTotpSecret } from '../../src/credentials/totp.ts';
import { minutes } from '../../src/kit/durations.ts';
import type { Person } from '../support/person.ts';
import { arrivalOf, openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { wrongCode } from '../support/second-steps.ts';
import { openWorld, type TestAccount, type World } from '../support/world.ts';

let world: World;
let app: RelyingParty;
beforeAll(async () => {
  world = await openWorld();
  app = await openRelyingParty(world);
});
afterAll(() => world.close());

const lasting = { scope: 'openid email offline_access', prompt: 'consent' };

async function atAccount(account: TestAccount, page = ''): Promise<Person> {
  const person = world.person();
  await opens(person, account, page);
  return person;
}

/** Opens an account page, and signs in where that is asked first. */
async function opens(person: Person, account: TestAccount, page: string): Promise<void> {
  await person.goes(`${world.issuer}/account${page}`);
  if (person.heading !== 'Sign in') return;
  const code = account.totpSecret && (await world.freshCode(account.totpSecret));
  await person.signsIn({ ...account, code });
}

describe('the account pages', () => {
  it('ask who it is first, and then show the page that was asked for', async () => {
    const account = await world.account({ profile: { name: 'Ana García' } });
    const person = await atAccount(account, '/sessions');
    expect([person.path, person.heading]).toEqual(['/account/sessions', 'Where you’re signed in']);
    await person.goes(`${world.issuer}/account`);
    expect(person.text).toContain('Ana García');
    expect(person.text).toContain(account.identifier);
  });

  it('are where the bare address leads, and the password page where password managers look for it', async () => {
    const person = await atAccount(await world.account());
    await person.goes(`${world.issuer}/`);
    expect(person.path).toBe('/account');
    await person.goes(`${world.issuer}/.well-known/change-password`);
    expect([person.path, person.heading]).toEqual(['/account/password', 'Change password']);
  });

  it('are not kept by the browser, nor shown in anybody’s frame', async () => {
    const person = await atAccount(await world.account());
    expect(person.headers['cache-control']).toContain('no-store');
    expect(person.headers['content-security-policy']).toContain("frame-ancestors 'none'");
  });

  it('return from a cancelled sign-in without going round in a circle', async () => {
    const person = world.person();
    await person.goes(`${world.issuer}/account/signed-in?error=access_denied`);
    expect(person.path).toBe('/account/signed-out');
  });

  it('sign out, and the back button finds nothing', async () => {
    const account = await world.account();
    const person = await atAccount(account);
    const cookie = person.cookieHeader(`${world.issuer}/account`);
    await person.presses('Sign out');
    expect(person.path).toBe('/account/signed-out');
    await person.goes(`${world.issuer}/account`);
    expect(person.heading).toBe('Sign in');
    // The cookie that the browser was told to forget is worth nothing to whoever kept it.
    const thief = world.person();
    for (const pair of cookie.split('; ')) await thief.cookies.setCookie(pair, world.issuer);
    await thief.goes(`${world.issuer}/account`);
    expect(thief.heading).toBe('Sign in');
  });

  it('cannot be signed out of by a picture on another site', async () => {
    const person = await atAccount(await world.account());
    await person.isSentTo(`${world.issuer}/account/sign-out`);
    await person.isSentTo(`${world.issuer}/account/sign-out`, { form: {} });
    await person.goes(`${world.issuer}/account`);
    expect(person.path).toBe('/account');
  });
});

describe('apps with access', () => {
  it('are listed with what they may see', async () => {
    const account = await world.account();
    const person = world.person();
    await app.signsIn(person, account, lasting);
    await person.goes(`${world.issuer}/account/apps`);
    for (const shown of [app.name, new URL(app.redirectUri).host, 'e-mail'])
      expect(person.text).toContain(shown);
  });

  it('are dead everywhere at once when removed (misuse case CO-11)', async () => {
    const neighbour = await openWorld({}, { beside: world });
    const account = await world.account();
    const [person, phone] = [world.person(), world.person()];
    const [tokens, onPhone] = [
      await app.signsIn(person, account, lasting),
      await app.signsIn(phone, account, lasting),
    ];
    const pending = await app.getsCode(person, account, lasting);
    const atNeighbour = { headers: { authorization: `Bearer ${tokens.access_token}` }, port: neighbour.port };
    const { send } = await import('../support/wire.ts');
    expect((await send(app.endpoint('userinfo'), atNeighbour)).status).toBe(200);

    await person.goes(`${world.issuer}/account/apps`);
    await person.follows(`Remove access of ${app.name}`);
    await person.presses('Remove access');
    expect(person.text).toContain('Access was removed');
    expect(person.text).not.toContain(app.name);

    expect((await send(app.endpoint('userinfo'), atNeighbour)).status).toBe(401);
    for (const dead of [tokens, onPhone]) {
      expect((await app.userinfo(dead.access_token)).status).toBe(401);
      expect(await app.introspects(dead.access_token)).toEqual({ active: false });
      expect(await app.introspects(dead.refresh_token)).toEqual({ active: false });
      expect((await app.refreshes(dead.refresh_token)).json).toMatchObject({ error: 'invalid_grant' });
    }
    expect((await app.redeems(pending.code, pending.attempt)).json).toMatchObject({ error: 'invalid_grant' });
    await person.goes(app.asks({ scope: 'openid email', prompt: 'none' }).url);
    expect(arrivalOf(person).searchParams.get('error')).toBe('consent_required');
    await neighbour.close();
  });

  it('of other people are not there', async () => {
    const [mine, theirs] = [await world.account(), await world.account()];
    const tokens = await app.signsIn(world.person(), theirs, lasting);
    const person = await atAccount(mine, '/apps');
    await person.isSentTo(`${world.issuer}/account/apps/${app.clientId}/remove`, {
      form: {},
      from: world.issuer,
    });
    expect([person.status, person.errorCode]).toEqual([404, 'not_found']);
    expect((await app.userinfo(tokens.access_token)).status).toBe(200);
  });
});

describe('sessions', () => {
  it('are listed with this one marked, and each of the others can be ended', async () => {
    const account = await world.account();
    const [here, there] = [await atAccount(account, '/sessions'), await atAccount(account)];
    await here.goes(`${world.issuer}/account/sessions`);
    expect(here.text).toContain('This browser');
    expect(here.text).toContain(there.address);
    const [end] = here.html.forms.filter(({ action }) => action.endsWith('/end'));
    await here.presses(end?.buttons[0]?.label ?? '');
    expect(here.text).toContain('has been signed out');
    await there.goes(`${world.issuer}/account`);
    expect(there.heading).toBe('Sign in');
    await here.goes(`${world.issuer}/account`);
    expect(here.path).toBe('/account');
  });

  it('of other people cannot be ended, and their ids open nothing (SE-13)', async () => {
    const [mine, theirs] = [await world.account(), await world.account()];
    const [me, them] = [await atAccount(mine, '/sessions'), await atAccount(theirs, '/sessions')];
    const another = await atAccount(theirs, '/sessions');
    await another.goes(`${world.issuer}/account/sessions`);
    const action = another.html.forms.find((form) => form.action.endsWith('/end'))?.action ?? '';
    await me.isSentTo(`${world.issuer}${action}`, { form: {}, from: world.issuer });
    expect([me.status, me.errorCode]).toEqual([404, 'not_found']);
    await them.goes(`${world.issuer}/account`);
    expect(them.path).toBe('/account');

    const uid = action.split('/').at(-2) ?? '';
    expect(them.cookieHeader(`${world.issuer}/account`)).not.toBe('');
    const thief = world.person();
    await thief.cookies.setCookie(`latchkey-session=${uid}`, world.issuer);
    await thief.goes(`${world.issuer}/account`);
    expect(thief.heading).toBe('Sign in');
  });

  it('end all together only for somebody who proved a moment ago who they are', async () => {
    const account = await world.account();
    const [here, there] = [await atAccount(account), await atAccount(account)];
    world.advance(11 * minutes);
    await here.goes(`${world.issuer}/account/sessions/others`);
    expect(here.heading).toBe('Confirm that it’s you');
    await here.submits({ password: 'not-the-password' });
    expect(here.alert).toContain('not your password');
    await here.submits({ password: account.password });
    expect(here.path).toBe('/account/sessions/others');
    await here.presses('Sign out everywhere else');
    expect(here.text).toContain('Every other browser has been signed out');
    await there.goes(`${world.issuer}/account`);
    expect(there.heading).toBe('Sign in');
  });
});

describe('the password', () => {
  it('changes for somebody who knows it, and signs everybody else out', async () => {
    const account = await world.account();
    const there = world.person();
    const tokens = await app.signsIn(there, account, lasting);
    world.advance(2000);
    const here = await atAccount(account, '/password');
    await here.submits({ password: account.password, new_password: 'nine-tidy-harbours' });
    expect(here.text).toContain('Your password was changed');
    await there.goes(`${world.issuer}/account`);
    expect(there.heading).toBe('Sign in');
    expect((await app.refreshes(tokens.refresh_token)).status).toBe(400);
    await here.goes(`${world.issuer}/account`);
    expect(here.path).toBe('/account');
    expect((await world.outbox())[0]?.to).toBe(account.identifier);
    const again = await atAccount({ ...account, password: 'nine-tidy-harbours' });
    expect(again.path).toBe('/account');
  });

  it.each([
    ['a wrong current one', 'not-the-password', 'nine-tidy-harbours', /not your current password/],
    ['a new one from the lists', 'correct-horse-battery', 'password1', /./],
    ['a short new one', 'correct-horse-battery', 'short', /at least 8/],
  ])('does not change with %s', async (_, password, next, alert) => {
    const account = await world.account();
    const person = await atAccount(account, '/password');
    await person.submits({ password, new_password: next });
    expect([person.status, person.heading]).toEqual([400, 'Change password']);
    expect(person.alert).toMatch(alert);
    expect((await atAccount(account)).path).toBe('/account');
  });
});

describe('two-step verification', () => {
  it('is set up with a secret that the app reads, and asked for from then on', async () => {
    const account = await world.account();
    const person = await atAccount(account, '/two-step/new');
    const secret = person.html.textOf('code')?.replaceAll(' ', '') ?? '';
    expect(secret).toMatch(/^[A-Z2-7]{32}$/);
    expect(person.html.source).toMatch(/<svg[^>]*/);
    await person.submits({ code: await wrongCode(secret) });
    expect(person.alert).toMatch(/not right/);
    const code = await generate({ secret, epoch: Math.floor(Date.now() / 1000) });
    await person.submits({ code, name: 'Old phone' });
    expect(person.text).toContain('The authenticator app was added');
    expect(person.text).toContain('Old phone');

    const elsewhere = world.person();
    await elsewhere.goes(`${world.issuer}/account`);
    await elsewhere.submits({ identifier: account.identifier, password: account.password });
    expect(elsewhere.heading).toBe('Two-step verification');
    // The code that proved the enrolment is used up.
    await elsewhere.submits({ code });
    expect(elsewhere.alert).toMatch(/not right/);
    await elsewhere.submits({ code: await world.freshCode(secret) });
    expect(elsewhere.path).toBe('/account');
  });

  it('is taken off by somebody who proved both, and the owner is told', async () => {
    const totpSecret = newTotpSecret();
    const account = { ...(await world.account({ totpSecret })), totpSecret };
    const person = await atAccount(account, '/two-step');
    await person.follows('Remove Authenticator app');
    await person.presses('Turn off two-step verification');
    expect(person.text).toContain('was turned off');
    expect((await world.outbox())[0]?.to).toBe(account.identifier);
    const again = await atAccount({ ...account, totpSecret: undefined });
    expect(again.path).toBe('/account');
  });

  it('is not taken off in an unattended browser', async () => {
    const totpSecret = newTotpSecret();
    const account = { ...(await world.account({ totpSecret })), totpSecret };
    const person = await atAccount(account, '/two-step');
    world.advance(11 * minutes);
    await person.follows('Remove Authenticator app');
    expect(person.heading).toBe('Confirm that it’s you');
    await person.submits({ code: await world.freshCode(totpSecret) });
    expect(person.heading).toBe('Remove Authenticator app?');
  });
});

describe('recent activity', () => {
  it('tells in plain sentences what happened, failures included', async () => {
    const account = await world.account();
    const stranger = world.person();
    await stranger.goes(app.asks().url);
    await stranger.submits({ identifier: account.identifier, password: 'a-wrong-guess' });
    const person = world.person();
    await app.signsIn(person, account, lasting);
    await person.goes(`${world.issuer}/account/activity`);
    expect(person.heading).toBe('Recent activity');
    expect(person.text).toContain(app.name);
    expect(person.text).toContain(stranger.address);
    expect(person.html.textsOf('li').length).toBeGreaterThan(2);
    await person.goes(`${world.issuer}/account/activity?before=nonsense`);
    expect(person.status).toBe(400);
  });
});
