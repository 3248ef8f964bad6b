import { rmSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { listEvents } from '../../src/audit/list.ts';
import { setPassword } from '../../src/credentials/password.ts';
import { days, hours, minutes } from '../../src/kit/durations.ts';
import type { Desk } from '../../src/operator/command.ts';
import { runCommand } from '../../src/operator/run-command.ts';
import { addressDatabaseFile } from '../support/address-database.ts';
import type { Person } from '../support/person.ts';
import { giveTotp } from '../support/second-steps.ts';
import { openWorld, type TestAccount, type World } from '../support/world.ts';

const lyon = '198.51.100.7';
const berlin = '203.0.113.9';
const sydney = '192.0.2.20';
const nearLyon = '198.51.101.9';
const nowhere = '10.0.0.77';

let world: World;
let file: string;
beforeAll(async () => {
  file = addressDatabaseFile([
    { network: '198.51.100.0/24', country: 'FR', city: 'Lyon', at: [45.76, 4.84] },
    { network: '198.51.101.0/24', country: 'FR', city: 'Marseille', at: [43.3, 5.37] },
    { network: '203.0.113.0/24', country: 'DE', city: 'Berlin', at: [52.52, 13.4] },
    { network: '192.0.2.0/24', country: 'AU', city: 'Sydney', at: [-33.87, 151.2] },
  ]);
  world = await openWorld({ GEO_DATABASE: file });
});
afterAll(async () => {
  await world.close();
  rmSync(path.dirname(file), { recursive: true });
});

type Tried = { looked: number; asked: { account_id: string }[] };

async function signsIn(account: TestAccount, person: Person): Promise<Person> {
  await person.goes(`${world.issuer}/account`);
  return person.signsIn({ identifier: account.identifier, password: account.password });
}

async function somebodyIn(address: string) {
  const account = await world.account();
  const person = await signsIn(account, world.person({ address }));
  expect(person.path).toBe('/account');
  return { account, person };
}

async function typesOf({ accountId }: TestAccount, type: string) {
  return (await listEvents(world.services, { accountId, limit: 100 })).filter((one) => one.type === type);
}

describe('an unusual sign-in by password', () => {
  it('from a new country and an unknown browser is asked for a code, and told why', async () => {
    const { account } = await somebodyIn(lyon);
    world.advance(2 * days);
    const person = await signsIn(account, world.person({ address: berlin }));
    expect(person.heading).toBe('Confirm that it’s you');
    expect(person.text).toContain('p••••@example.com');
    expect(person.text).not.toContain(account.identifier);
    expect(person.text).toContain('from which nobody has signed in before: Berlin, Germany');
    expect(person.text).toContain('with this browser before');
    const [asked] = await typesOf(account, 'risk_check.asked');
    expect(asked?.detail).toEqual({ signs: ['new_country'], channel: 'email' });
    // Until then nobody is signed in.
    await world.person().goes(`${world.issuer}/account`);

    await person.submits({
      code: '000000' === (await world.codeSentTo(account.identifier)) ? '1' : '000000',
    });
    expect(person.alert).toContain('That code is not right.');
    await person.submits({ code: await world.codeSentTo(account.identifier) });
    expect(person.path).toBe('/account');
    // What was proved is the password: a mailbox is no second factor.
    const [signedIn] = await typesOf(account, 'account.signed_in');
    expect(signedIn?.detail).toMatchObject({ amr: ['pwd'], new_browser: true });
    // From now on the browser and the country are known.
    await person.presses('Sign out');
    await signsIn(account, person);
    expect(person.path).toBe('/account');
    const other = await signsIn(account, world.person({ address: berlin }));
    expect(other.path).toBe('/account');
  });

  it('says nothing to a known browser on its travels, nor to an address that no database knows', async () => {
    const { account } = await somebodyIn(lyon);
    const person = await signsIn(account, world.person({ address: nowhere }));
    expect(person.path).toBe('/account');
    world.advance(2 * days);
    await person.presses('Sign out');
    await signsIn(account, person);
    expect(person.path).toBe('/account');
    expect(await typesOf(account, 'risk_check.asked')).toEqual([]);
  });

  it('is one too far away for the time between; the same land by car is not', async () => {
    const { account } = await somebodyIn(berlin);
    world.advance(2 * days);
    const abroad = await signsIn(account, world.person({ address: sydney }));
    await abroad.submits({ code: await world.codeSentTo(account.identifier) });
    expect(abroad.path).toBe('/account');
    world.advance(2 * hours);
    const person = await signsIn(account, world.person({ address: berlin }));
    expect(person.text).toContain('too far away from the last sign-in');
    expect(person.text).not.toContain('nobody has signed in before:');

    const { account: another } = await somebodyIn(lyon);
    world.advance(2 * hours);
    expect((await signsIn(another, world.person({ address: nearLyon }))).path).toBe('/account');
  });

  it('is one after many failures, and one after a long absence', async () => {
    const { account } = await somebodyIn(lyon);
    const attacker = world.person({ address: lyon });
    for (let guess = 0; guess < 20; guess += 1) {
      world.advance(16 * minutes);
      await signsIn({ ...account, password: `wrong password ${guess}` }, attacker);
    }
    world.advance(16 * minutes);
    const guessed = await signsIn(account, attacker);
    expect(guessed.text).toContain('many wrong tries');

    const { account: sleeper } = await somebodyIn(lyon);
    world.advance(181 * days);
    const person = await signsIn(sleeper, world.person({ address: lyon }));
    expect(person.text).toContain('for a long time');
    expect(person.text).not.toContain('wrong tries');
  });

  it('is one with a password that attackers try first, which is said and recorded', async () => {
    const account = { ...(await world.account()), password: 'password123' };
    await setPassword(world.services, account);
    const person = await signsIn(account, world.person({ address: lyon }));
    expect(person.text).toContain('on lists that attackers try first');
    expect((await typesOf(account, 'risk_check.asked'))[0]?.detail['signs']).toEqual(['known_password']);
  });

  it('sends the code to the number of who has no mailbox', async () => {
    const phone = '+4915155500002';
    const account = await world.account({ phone });
    await signsIn(account, world.person({ address: lyon }));
    world.advance(2 * days);
    const person = await signsIn(account, world.person({ address: berlin }));
    expect(person.text).toContain('by text message to the number');
    await person.submits({ code: await world.codeSentTo(phone) });
    expect(person.path).toBe('/account');
  });

  it('is let in where the operator switched the check off', async () => {
    const calm = await openWorld({ GEO_DATABASE: file, ADAPTIVE_CHECK: 'off' });
    const account = await calm.account();
    for (const address of [lyon, berlin]) {
      const person = await calm.person({ address }).goes(`${calm.issuer}/account`);
      await person.signsIn(account);
      expect(person.path).toBe('/account');
      calm.advance(2 * days);
    }
    await calm.close();
  });

  it('is not asked for where two-step verification is on, after a reset, or without a proved address', async () => {
    const { account } = await somebodyIn(lyon);
    const { secret } = await giveTotp(world.services, account.accountId);
    world.advance(2 * days);
    const careful = await signsIn(account, world.person({ address: berlin }));
    expect(careful.heading).toBe('Two-step verification');
    await careful.submits({ code: await world.freshCode(secret) });
    expect(careful.path).toBe('/account');

    const unproved = await world.account({ verified: false });
    await signsIn(unproved, world.person({ address: lyon }));
    world.advance(2 * days);
    const person = await signsIn(unproved, world.person({ address: berlin }));
    expect(person.path).toBe('/account');
    expect(await typesOf(unproved, 'risk_check.skipped')).toHaveLength(1);
  });

  it('sends another code on request, and starts over', async () => {
    const { account } = await somebodyIn(lyon);
    world.advance(2 * days);
    const person = await signsIn(account, world.person({ address: berlin }));
    const first = await world.codeSentTo(account.identifier);
    await person.presses('Send it again');
    const second = await world.codeSentTo(account.identifier);
    if (first !== second) {
      await person.submits({ code: first });
      expect(person.alert).toContain('newest message');
    }
    await person.presses('Not you? Use another account');
    expect(person.heading).toBe('Sign in');
    await person.isSentTo(`${person.url}/risk`, { form: { code: second }, from: world.issuer });
    expect(person.heading).toBe('Sign in');
  });
});

describe('latchkey risk try', () => {
  it('prints what would have been asked and why, and changes nothing', async () => {
    const { account } = await somebodyIn(lyon);
    world.advance(2 * days);
    const person = await signsIn(account, world.person({ address: berlin }));
    await person.submits({ code: await world.codeSentTo(account.identifier) });
    const before = (await listEvents(world.services, { limit: 1 }))[0]?.id;
    const desk = { services: async () => world.services } as unknown as Desk;
    const tried = await runCommand(desk, ['risk', 'try', '--since', '1d']);
    const { asked, looked } = (tried as { data: Tried }).data;
    expect(looked).toBeGreaterThan(0);
    expect(asked.filter((one) => one.account_id === account.accountId)).toEqual([
      expect.objectContaining({ ip: berlin, signs: ['new_country'] }),
    ]);
    expect((await listEvents(world.services, { limit: 1 }))[0]?.id).toBe(before);
  });
});

describe('a sign-in from a new browser', () => {
  it('is told to every proved address with "It wasn’t me", but for the first of all, five times an hour', async () => {
    const account = await world.account({ email: 'often@example.com', phone: '+4915155500001' });
    const told = async () =>
      (await world.outbox()).filter(
        ({ to, subject, text }) =>
          ['often@example.com', '+4915155500001'].includes(to) &&
          /new (browser|sign-in)/.test(subject + text),
      );
    const first = await signsIn(account, world.person({ address: lyon }));
    expect(await told()).toEqual([]);
    await signsIn(account, world.person({ address: lyon }));
    const notices = await told();
    expect(notices.map(({ channel }) => channel).toSorted()).toEqual(['email', 'sms']);
    expect(notices[0]?.links[0]).toContain('/account/not-me?link=');
    await first.presses('Sign out');
    await signsIn(account, first);
    expect(await told()).toHaveLength(2);
    for (let time = 0; time < 6; time += 1) await signsIn(account, world.person({ address: lyon }));
    expect(await told()).toHaveLength(10);
  });
});
