import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { changePassword } from '../../src/actions/change-password.ts';
import { suspendAccount } from '../../src/actions/suspend-account.ts';
import { listSessions } from '../../src/oidc/sessions.ts';
import type { Person } from '../support/person.ts';
import { arrivalOf, openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { openWorld, type TestAccount, type World } from '../support/world.ts';

/** Several accounts in one browser (src/actions/remembered-accounts.ts), and `prompt` by which apps ask which. */
let world: World;
let app: RelyingParty;
beforeAll(async () => {
  world = await openWorld();
  app = await openRelyingParty(world, { first_party: true });
});
afterAll(() => world.close());

let people = 0;
async function named(name: string): Promise<TestAccount> {
  people += 1;
  const email = `${name.toLowerCase()}${people}@example.com`;
  return world.account({ email, profile: { name: `${name} ${people}` } });
}

async function signedIn(person: Person, account: TestAccount, more: Record<string, string> = {}) {
  await person.goes(app.asks({ prompt: 'login' }).url);
  await person.submits({ identifier: account.identifier, password: account.password, ...more });
  expect(person.left?.searchParams.has('code')).toBe(true);
}

/** A browser in which both signed in, the second last. */
async function both() {
  const [ana, bob] = [await named('Ana'), await named('Bob')];
  const person = world.person();
  await signedIn(person, ana, { remember: 'yes' });
  await signedIn(person, bob, { remember: 'yes' });
  return { person, ana, bob };
}

async function chooses(person: Person, name: RegExp): Promise<void> {
  const button = person.html.forms.flatMap(({ buttons }) => buttons).find(({ label }) => name.test(label));
  if (!button) throw new Error(`no account ${name} on ${person.url}: ${person.text}`);
  await person.presses(button.label);
}

const sub = async (person: Person, attempt: ReturnType<RelyingParty['asks']>) =>
  (await app.receives(person, attempt)).claims()?.sub;

describe('an app that asks which account (prompt=select_account)', () => {
  it('gets the one that is signed in without another question', async () => {
    const { person, bob } = await both();
    const attempt = app.asks({ prompt: 'select_account' });
    await person.goes(attempt.url);
    expect(person.heading).toBe('Choose an account');
    expect(person.text).toContain('Ana');
    await chooses(person, /^B? ?Bob.*Signed in/);
    expect(await sub(person, attempt)).toBe(bob.accountId);
  });

  it('gets another one after a full sign-in, which ends the session that was', async () => {
    const { person, ana, bob } = await both();
    const attempt = app.asks({ prompt: 'select_account' });
    await person.goes(attempt.url);
    await chooses(person, /Ana/);
    expect(person.text).toContain('You are signing in as: Ana');
    expect(person.html.source).not.toContain(ana.identifier);
    await person.submits({ password: `${ana.password} not` });
    expect(person.alert).toMatch(/not right/);
    await person.submits({ password: ana.password });
    expect(await sub(person, attempt)).toBe(ana.accountId);
    expect(await listSessions(world.services, bob.accountId)).toEqual([]);
  });

  it('gets somebody new by “Use another account”', async () => {
    const { person } = await both();
    const eve = await named('Eve');
    const attempt = app.asks({ prompt: 'select_account' });
    await person.goes(attempt.url);
    await person.presses('Use another account');
    await person.signsIn(eve);
    expect(await sub(person, attempt)).toBe(eve.accountId);
  });

  it('sees the sign-in where nobody was before, and asks once more for the password with login beside it', async () => {
    const ana = await named('Ana');
    const person = world.person();
    const attempt = app.asks({ prompt: 'select_account' });
    await person.goes(attempt.url);
    expect(person.heading).toBe('Sign in');
    await person.signsIn(ana);
    expect(await sub(person, attempt)).toBe(ana.accountId);
    await person.goes(app.asks({ prompt: 'select_account login' }).url);
    await chooses(person, /Ana/);
    expect(person.heading).toBe('Sign in');
    await person.signsIn(ana);
    expect(arrivalOf(person).searchParams.has('code')).toBe(true);
    await person.goes(app.asks({ prompt: 'none select_account' }).url);
    expect(arrivalOf(person).searchParams.get('error')).toBe('invalid_request');
  });

  it('has whom it means first (login_hint), and never whom the browser does not know', async () => {
    const { person, ana } = await both();
    const stranger = await named('Mallory');
    const order = async (hint: string) => {
      await person.goes(app.asks({ prompt: 'select_account', login_hint: hint }).url);
      return person.html.forms.flatMap(({ buttons }) => buttons.map(({ label }) => label)).join(' | ');
    };
    expect(await order(stranger.identifier)).not.toContain('Mallory');
    expect(await order(ana.identifier)).toMatch(/Bob.*Ana/);
  });
});

describe('what a browser remembers', () => {
  const shown = async (person: Person) => {
    await person.goes(app.asks({ prompt: 'login' }).url);
    return person.text.match(/Ana|Bob/g)?.length ?? 0;
  };

  it('stands below the form of the sign-in, by name and masked address, in cookies that nobody can read', async () => {
    const { person, ana, bob } = await both();
    await person.goes(app.asks({ prompt: 'login' }).url);
    expect(person.text).toContain('Accounts on this browser');
    expect(person.text).toMatch(/a••••@example\.com/);
    expect(person.html.source).not.toContain(ana.identifier);
    const written = person.setCookies.filter((line) => line.startsWith('latchkey-accounts'));
    expect(written.length).toBeGreaterThan(0);
    for (const line of written) {
      expect(line).toMatch(/^latchkey-accounts=[\w.-]+; Path=\/; Max-Age=15552000; SameSite=Lax; HttpOnly$/);
      for (const { accountId, identifier } of [ana, bob])
        expect([line.includes(accountId), line.includes(identifier)]).toEqual([false, false]);
    }
  });

  it('ends with the browser for who did not want to stay signed in', async () => {
    const person = world.person();
    await signedIn(person, await named('Ana'));
    const lines = person.setCookies.filter((line) => line.startsWith('latchkey-accounts'));
    expect(lines).toEqual([
      expect.stringMatching(/^latchkey-accounts-now=[\w.-]+; Path=\/; SameSite=Lax; HttpOnly$/),
    ]);
  });

  it('ends on request', async () => {
    const { person } = await both();
    expect(await shown(person)).toBeGreaterThan(0);
    await chooses(person, /^Forget Ana/);
    expect(await shown(person)).toBe(0);
  });

  it('tells nothing of who is suspended, or was signed out everywhere since', async () => {
    const one = await both();
    await suspendAccount(world.services, { accountId: one.ana.accountId, reason: 'test' });
    expect(await shown(one.person)).toBe(0);
    const other = await both();
    world.advance(1000);
    await changePasswordOf(other.ana);
    expect(await shown(other.person)).toBe(0);
  });

  it('is nothing to who makes it up or brings it from somewhere else', async () => {
    const person = world.person();
    for (const value of ['x', '1.x.y', `1.${'A'.repeat(8)}.${'A'.repeat(60)}`, 'A'.repeat(3000)])
      await person.cookies.setCookie(`latchkey-accounts=${value}`, world.issuer);
    await person.goes(app.asks().url);
    expect([person.status, person.heading, person.text.includes('on this browser')]).toEqual([
      200,
      'Sign in',
      false,
    ]);
    const { path } = person;
    await person.isSentTo(`${world.issuer}${path}/account`, { form: { account: 'x' }, from: world.issuer });
    expect(person.heading).toBe('Sign in');
  });

  async function changePasswordOf({ accountId, password }: TestAccount): Promise<void> {
    const from = { ip: '192.0.2.1', userAgent: 'test', requestId: 'test' };
    const changed = await changePassword(
      world.services,
      { accountId, current: password, next: 'another long password', sessionUid: 'x', locale: 'en' },
      from,
    );
    expect(changed.ok).toBe(true);
  }
});

describe('an app that wants a new account (prompt=create)', () => {
  it('gets the sign-up, from which one turns to the sign-in', async () => {
    const person = world.person();
    const attempt = app.asks({ prompt: 'create' });
    await person.goes(attempt.url);
    expect(person.heading).toBe('Create your account');
    await person.submits({
      name: 'New One',
      identifier: 'brand-new@example.com',
      password: 'a long new password',
    });
    await person.submits({ code: await world.codeSentTo('brand-new@example.com') });
    expect(await sub(person, attempt)).toBeTruthy();

    const again = app.asks({ prompt: 'create' });
    const ana = await named('Ana');
    const other = await world.person().goes(again.url);
    await other.goes(`${other.url}/sign-in`);
    await other.signsIn(ana);
    expect(await sub(other, again)).toBe(ana.accountId);
    expect(app.config.serverMetadata()['prompt_values_supported']).toEqual(
      expect.arrayContaining(['create']),
    );
  });
});

describe('a tab left on the sign-in', () => {
  it('goes on once somebody signed in in another one', async () => {
    const ana = await named('Ana');
    const person = world.person();
    const attempt = app.asks();
    await person.goes(attempt.url);
    const left = person.url;
    await signedIn(person, ana);
    await person.goes(left);
    expect(await sub(person, attempt)).toBe(ana.accountId);
  });

  it('goes on with whoever is signed in, if they type who they are, and signs in who types somebody else', async () => {
    const [ana, bob] = [await named('Ana'), await named('Bob')];
    const person = world.person();
    for (const [typed, password] of [
      [ana, 'not looked at any more'],
      [bob, bob.password],
    ] as const) {
      const attempt = app.asks();
      await person.goes(attempt.url);
      const form = { identifier: typed.identifier, password };
      const left = person.url;
      await signedIn(person, ana);
      await person.isSentTo(`${left}/password`, { form, from: world.issuer });
      expect(await sub(person, attempt)).toBe(typed.accountId);
      await person.cookies.removeAllCookies();
    }
  });

  it('asks all the same where a fresh sign-in is wanted, and for what is missing', async () => {
    const person = world.person();
    await person.goes(app.asks({ prompt: 'login' }).url);
    const fresh = person.url;
    await person.goes(app.asks({ acr_values: 'urn:latchkey:acr:2fa' }).url);
    const higher = person.url;
    await signedIn(person, await named('Ana'));
    await person.goes(fresh);
    expect(person.heading).toBe('Sign in');
    await person.goes(higher);
    expect(person.heading).toBe('Two-step verification needed');
  });
});
