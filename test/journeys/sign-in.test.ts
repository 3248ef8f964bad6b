import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { lockAccount } from '../../src/actions/lock-account.ts';
import { suspendAccount } from '../../src/actions/suspend-account.ts';
import { newTotpSecret } from '../../src/credentials/totp.ts';
import { minutes } from '../../src/kit/durations.ts';
import { listSessions } from '../../src/oidc/sessions.ts';
import type { Person } from '../support/person.ts';
import { type Attempt, arrivalOf, openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { wrongCode } from '../support/second-steps.ts';
import { openWorld, type TestAccount, type World } from '../support/world.ts';

let world: World;
let app: RelyingParty;
let ana: TestAccount;
let totp: TestAccount & { totpSecret: string };
beforeAll(async () => {
  world = await openWorld({ SUPPORT_URL: 'https://help.example.com/' });
  app = await openRelyingParty(world, { first_party: true });
  ana = await world.account({ email: 'ana@example.com', phone: '+34600123456' });
  const totpSecret = newTotpSecret();
  totp = { ...(await world.account({ totpSecret })), totpSecret };
});
afterAll(() => world.close());

async function asked(): Promise<{ person: Person; attempt: Attempt }> {
  const person = world.person();
  const attempt = app.asks();
  await person.goes(attempt.url);
  return { person, attempt };
}

async function askedForCode(): Promise<{ person: Person; attempt: Attempt }> {
  const both = await asked();
  await both.person.submits({ identifier: totp.identifier, password: totp.password });
  expect(both.person.heading).toBe('Two-step verification');
  return both;
}

describe('signing in with a password', () => {
  it('names the app and brings the person back to it', async () => {
    const { person, attempt } = await asked();
    expect(person.heading).toBe('Sign in');
    expect(person.text).toContain(app.name);
    await person.signsIn(ana);
    expect(arrivalOf(person).href).toMatch(/^https:\/\/app\d+\.example\.test\/callback\?/);
    const tokens = await app.receives(person, attempt);
    expect(tokens.claims()?.sub).toBe(ana.accountId);
  });

  it.each([
    ['in other letters, with spaces around', '  ANA@Example.COM '],
    ['as the mobile number', '+34 600 12 34 56'],
  ])('takes the address %s', async (_, identifier) => {
    const { person } = await asked();
    await person.submits({ identifier, password: ana.password });
    expect(arrivalOf(person).searchParams.has('code')).toBe(true);
  });

  it.each<[string, (right: string) => string]>([
    ['another one', () => 'seven-quiet-lanterns'],
    ['the right one in capitals', (right) => right.toUpperCase()],
    ['the right one and a space', (right) => `${right} `],
    ['the right one without its last letter', (right) => right.slice(0, -1)],
    ['256 letters', () => 'x'.repeat(256)],
  ])('refuses %s as the password', async (_, wrong) => {
    const { person } = await asked();
    await person.submits({ identifier: ana.identifier, password: wrong(ana.password) });
    expect(person.status).toBe(400);
    expect(person.heading).toBe('Sign in');
    expect(person.alert).toMatch(/not right/);
    await person.signsIn(ana);
    expect(person.left).toBeDefined();
  });

  it.each([
    ['an account that is not there', 'nobody@example.com'],
    ['what is no address', 'hello world'],
    ['SQL', "' or 1=1 --"],
    ['a pattern', '%@example.com'],
  ])('says of %s the same as of a wrong password (misuse case SI-01)', async (_, identifier) => {
    const [known, unknown] = [await asked(), await asked()];
    await known.person.submits({ identifier: ana.identifier, password: 'a-wrong-password' });
    await unknown.person.submits({ identifier, password: 'a-wrong-password' });
    expect(unknown.person.status).toBe(known.person.status);
    expect(unknown.person.alert).toBe(known.person.alert);
    expect(Object.keys(unknown.person.headers)).toEqual(Object.keys(known.person.headers));
    expect(unknown.person.setCookies.map(nameOf)).toEqual(known.person.setCookies.map(nameOf));
  });

  it('says nothing else of a locked or suspended account until everything is proved (SI-23)', async () => {
    const [locked, suspended] = [await world.account(), await world.account()];
    await lockAccount(world.services, { accountId: locked.accountId, reason: 'lost phone' });
    await suspendAccount(world.services, { accountId: suspended.accountId, reason: 'terms' });
    for (const account of [locked, suspended]) {
      const { person } = await asked();
      await person.submits({ identifier: account.identifier, password: 'a-wrong-password' });
      expect(person.alert).toMatch(/not right/);
    }
    for (const [account, heading] of [
      [locked, 'This account is locked'],
      [suspended, 'This account is suspended'],
    ] as const) {
      const told = await asked();
      await told.person.signsIn(account);
      expect([told.person.status, told.person.heading]).toEqual([403, heading]);
      expect(await listSessions(world.services, account.accountId)).toEqual([]);
      // What happened, and the way out.
      expect(told.person.alert).toMatch(/unlocks it|You cannot sign in with it/);
      const way = told.person.html.links.find(({ label }) => label === 'Contact support');
      expect(way?.href).toBe('https://help.example.com/');
      await told.person.goes(told.attempt.url);
      expect(told.person.heading).toBe('Sign in');
    }
  });

  it('asks of a locked account with a second step for that first, and only then tells (SI-23)', async () => {
    const totpSecret = newTotpSecret();
    const { accountId, identifier, password } = await world.account({ totpSecret });
    await lockAccount(world.services, { accountId, reason: 'lost phone' });
    const { person } = await asked();
    await person.submits({ identifier, password });
    expect([person.status, person.heading]).toEqual([200, 'Two-step verification']);
    await person.submits({ code: await wrongCode(totpSecret) });
    expect([person.status, person.heading]).toEqual([400, 'Two-step verification']);
    await person.submits({ code: await world.freshCode(totpSecret) });
    expect([person.status, person.heading]).toEqual([403, 'This account is locked']);
    expect(await listSessions(world.services, accountId)).toEqual([]);
  });

  it('slows down after five wrong passwords, tells the right one nothing then, and lets go after a while (SI-03)', async () => {
    const victim = await world.account();
    const attacker = await asked();
    for (let guess = 0; guess < 5; guess += 1)
      await attacker.person.submits({ identifier: victim.identifier, password: `wrong-guess-${guess}` });
    const before = attacker.person.alert;
    await attacker.person.signsIn(victim);
    expect([attacker.person.left, attacker.person.alert]).toEqual([undefined, before]);
    world.advance(16 * minutes);
    await attacker.person.signsIn(victim);
    expect(attacker.person.left).toBeDefined();
  });

  it('asks again for what was left empty, and keeps what was typed', async () => {
    const { person } = await asked();
    await person.submits({ identifier: 'ana@example.com', password: '' });
    expect(person.status).toBe(400);
    expect(person.html.attribute('input', { name: 'identifier' }, 'value')).toBe('ana@example.com');
    expect(person.alert).toMatch(/password/i);
  });

  it('goes back to the app when the person does not want to', async () => {
    const { person, attempt } = await asked();
    await person.presses(`Back to ${app.name}`);
    const { searchParams } = arrivalOf(person);
    expect(Object.fromEntries(searchParams)).toMatchObject({
      error: 'access_denied',
      state: attempt.state,
      iss: world.issuer,
    });
  });
});

describe('the second step', () => {
  it('takes the code of the authenticator app', async () => {
    const { person, attempt } = await askedForCode();
    await person.submits({ code: await world.freshCode(totp.totpSecret) });
    const tokens = await app.receives(person, attempt);
    expect(tokens.claims()?.sub).toBe(totp.accountId);
  });

  it('refuses a code that was used once, even while it still shows in the app', async () => {
    const [owner, shoulderSurfer] = [await askedForCode(), await askedForCode()];
    const code = await world.freshCode(totp.totpSecret);
    await owner.person.submits({ code });
    expect(owner.person.left).toBeDefined();
    await shoulderSurfer.person.submits({ code });
    expect(shoulderSurfer.person.heading).toBe('Two-step verification');
    expect(shoulderSurfer.person.alert).toMatch(/not right/);
  });

  it.each([
    ['another one', wrongCode],
    ['12345', () => '12345'],
    ['letters', () => 'abcdef'],
    ['1234567', () => '1234567'],
    ['nothing', () => ''],
  ])('refuses %s as the code', async (_, code) => {
    const { person } = await askedForCode();
    await person.submits({ code: await code(totp.totpSecret) });
    expect([person.status, person.heading]).toEqual([400, 'Two-step verification']);
    expect(person.alert).toBeDefined();
  });

  it('is not taken for granted: half signed in is not signed in anywhere (misuse case MF-05)', async () => {
    const { person } = await askedForCode();
    const waiting = person.path;
    await person.goes(`${world.issuer}${waiting.replace('interaction', 'authorize')}`);
    expect([person.left, person.heading]).toEqual([undefined, 'Sign in']);
    await person.goes(app.asks({ prompt: 'none' }).url);
    expect(arrivalOf(person).searchParams.get('error')).toBe('login_required');
    await person.goes(`${world.issuer}/account`);
    expect(person.heading).toBe('Sign in');
    await person.goes(`${world.issuer}/account/signed-in`);
    expect(person.path).toBe('/account/signed-out');
  });

  it('goes stale with the password that was proved before lunch', async () => {
    const { person } = await askedForCode();
    world.advance(20 * minutes);
    await person.submits({ code: await world.freshCode(totp.totpSecret) });
    expect(person.heading).toBe('Sign in');
    expect(person.alert).toMatch(/too long/);
  });

  it('lets somebody start over as another person', async () => {
    const { person, attempt } = await askedForCode();
    await person.presses('Not you? Use another account');
    expect(person.heading).toBe('Sign in');
    await person.signsIn(ana);
    expect((await app.receives(person, attempt)).claims()?.sub).toBe(ana.accountId);
  });
});

describe('the way through', () => {
  it('never posts twice on a reload: every step that moves on ends in a GET', async () => {
    const { person } = await askedForCode();
    const last = person.history.at(-1);
    expect(last).toMatchObject({ method: 'GET', status: 200 });
    await person.goes(person.url);
    expect(person.heading).toBe('Two-step verification');
  });

  it('asks again of somebody who jumps ahead to where the engine goes on', async () => {
    const { person } = await asked();
    const uid = person.path.split('/').at(-1);
    await person.goes(`${world.issuer}/authorize/${uid}`);
    expect([person.left, person.heading]).toEqual([undefined, 'Sign in']);
  });

  it('says so when the time is over, the sign-in is done, or it began in another browser', async () => {
    const late = await asked();
    world.advance(61 * minutes);
    await late.person.signsIn(ana);
    expect([late.person.status, late.person.errorCode]).toEqual([410, 'interaction_expired']);

    const finished = await asked();
    const { url } = finished.person;
    await finished.person.signsIn(ana);
    await finished.person.goes(url);
    expect([finished.person.status, finished.person.errorCode]).toEqual([410, 'interaction_expired']);

    const another = world.person();
    await another.goes((await asked()).person.url);
    expect([another.status, another.errorCode]).toEqual([410, 'interaction_expired']);
  });

  it('does not ask twice in one browser, and asks in another', async () => {
    const { person } = await asked();
    await person.signsIn(ana);
    await person.goes(app.asks().url);
    expect(arrivalOf(person).searchParams.has('code')).toBe(true);
    expect((await asked()).person.heading).toBe('Sign in');
  });

  it('refuses a form that another site sends', async () => {
    const { person } = await asked();
    const { url } = person;
    await person.isSentTo(`${url}/password`, {
      form: { identifier: ana.identifier, password: ana.password },
    });
    expect([person.status, person.errorCode]).toEqual([403, 'cross_site']);
  });

  it('speaks the language that the app asks for, else the browser’s', async () => {
    const german = world.person({ language: 'de-AT,de;q=0.9' });
    await german.goes(app.asks().url);
    expect(german.heading).toBe('Anmelden');
    await german.goes(app.asks({ ui_locales: '../../etc/passwd xx fr-CA' }).url);
    expect(german.html.attribute('html', {}, 'lang')).toBe('fr');
  });
});

function nameOf(setCookie: string): string {
  return setCookie.split('=')[0]?.replace(/interaction\.[\w-]{43}/, 'interaction') ?? '';
}
