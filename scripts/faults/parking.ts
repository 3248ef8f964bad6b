import { generate } from 'otplib';
import { createAccount } from '../../src/actions/create-account.ts';
import { hashPassword, storePasswordHash } from '../../src/credentials/password.ts';
import { openServices } from '../../src/services.ts';
import { readSettings } from '../../src/settings.ts';
import type { Person } from '../../test/support/person.ts';
import { benchPassword } from '../bench/apps.ts';
import type { Bed } from './bed.ts';
import { askPath } from './crowd.ts';
import { codeMailedTo, somebody, upToTheCode } from './sign-ups.ts';

/** Every page on which somebody may stand when a server goes away, and the next step from there. */
export type Page = { name: string; park(bed: Bed, account: ParkedAccount): Promise<Parked> };
/** Answers whether the person came to where the step leads. */
export type Parked = { person: Person; goOn(): Promise<boolean> };
export type ParkedAccount = { address: string; totpSecret: string | undefined };

const newPassword = 'another-long-password-of-mine';

export const pages: readonly Page[] = [
  {
    name: 'sign-in',
    async park(bed, account) {
      const person = await atTheDoor(bed);
      return goingOn(person, async () => {
        await signIn(person, account);
        return isAsked(person, 'decision');
      });
    },
  },
  {
    name: 'second step',
    async park(bed, account) {
      const person = await atTheDoor(bed);
      await signIn(person, account);
      return goingOn(person, async () => {
        await person.submits({ code: await generate({ secret: String(account.totpSecret) }) });
        return isAsked(person, 'decision');
      });
    },
  },
  {
    name: 'consent',
    async park(bed, account) {
      const person = await atTheDoor(bed);
      await signIn(person, account);
      return goingOn(person, async () => {
        await person.decides('allow');
        return person.left?.searchParams.has('code') ?? false;
      });
    },
  },
  {
    name: 'sign-up',
    async park(bed, account) {
      const person = await atTheDoor(bed);
      await person.goes(`${person.url}/sign-up`);
      return goingOn(person, async () => {
        const identifier = `new-${account.address}`;
        await person.submits({ name: 'New', identifier, password: newPassword });
        return person.heading === 'Enter the code';
      });
    },
  },
  {
    name: 'code of a sign-up',
    async park(bed) {
      const { person, code } = await upToTheCode(bed);
      return goingOn(person, async () => {
        await person.submits({ code });
        return isAsked(person, 'decision');
      });
    },
  },
  {
    name: 'forgotten password',
    async park(bed, account) {
      const person = await forgetful(bed);
      return goingOn(person, async () => {
        await person.submits({ identifier: account.address });
        return person.heading === 'Enter the code';
      });
    },
  },
  {
    name: 'code of a reset',
    async park(bed, { address }) {
      const person = await forgetful(bed);
      const code = await codeMailedTo(bed.mail, address, () => person.submits({ identifier: address }));
      return goingOn(person, async () => {
        await person.submits({ code });
        return person.heading === 'Choose a new password';
      });
    },
  },
  {
    name: 'new password',
    async park(bed, { address }) {
      const person = await forgetful(bed);
      const code = await codeMailedTo(bed.mail, address, () => person.submits({ identifier: address }));
      await person.submits({ code });
      return goingOn(person, async () => {
        await person.submits({ password: newPassword });
        return isAsked(person, 'decision');
      });
    },
  },
  {
    name: 'account: change password',
    async park(bed, account) {
      const person = await somebody(bed).goes(`${bed.issuer}/account/password`);
      await signIn(person, account);
      return goingOn(person, async () => {
        await person.submits({ password: benchPassword, new_password: newPassword });
        return person.status === 200 && person.path === '/account';
      });
    },
  },
];

async function atTheDoor(bed: Bed): Promise<Person> {
  return somebody(bed).goes(`${bed.issuer}${askPath()}`);
}

async function forgetful(bed: Bed): Promise<Person> {
  const person = await atTheDoor(bed);
  return person.goes(`${person.url}/forgot`);
}

function signIn(person: Person, { address }: ParkedAccount): Promise<Person> {
  return person.submits({ identifier: address, password: benchPassword });
}

function isAsked(person: Person, name: string): boolean {
  return !person.left && person.html.forms.some(({ buttons }) => buttons.some((one) => one.name === name));
}

function goingOn(person: Person, goOn: () => Promise<boolean>): Parked {
  return { person, goOn };
}

/** People with a password each, the same, so that a machine with two cores is not busy with hashing for minutes. */
export async function makeAccounts(
  { environment }: Bed,
  wanted: readonly { address: string; totp: boolean }[],
): Promise<ParkedAccount[]> {
  const services = await openServices(readSettings({ ...environment, LOG_LEVEL: 'silent' }));
  try {
    const hashed = await hashPassword(services, benchPassword);
    const made: ParkedAccount[] = [];
    for (const [place, { address, totp }] of wanted.entries()) {
      const totpSecret = totp ? secretOf(place) : undefined;
      const contacts = [{ channel: 'email' as const, address, written: address, verified: true }];
      const added = await createAccount(services, { profile: { name: 'Parked' }, contacts, totpSecret });
      if (!added.ok) throw new Error(`no account for ${address}: ${added.reason}`);
      await storePasswordHash(services, { accountId: added.accountId, ...hashed });
      made.push({ address, totpSecret });
    }
    return made;
  } finally {
    await services.close();
  }
}

/** Base32, 32 characters, another for each. */
function secretOf(place: number): string {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  return Array.from(
    { length: 32 },
    (_, at) => letters[(place * 7 + at * 11 + (place >> (at % 8))) & 31],
  ).join('');
}
