import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { setPassword } from '../../../src/credentials/password.ts';
import { days, minutes } from '../../../src/kit/durations.ts';
import { listGrants } from '../../../src/oidc/grants.ts';
import { listSessions } from '../../../src/oidc/sessions.ts';
import { aPasskey } from '../../support/passkeys.ts';
import type { Person } from '../../support/person.ts';
import { openRelyingParty, type RelyingParty } from '../../support/relying-party.ts';
import {
  type Careful,
  carefulAccount,
  giveApprovals,
  giveBackupCodes,
  giveText,
  lastDigits,
  signedInFully,
} from '../../support/second-steps.ts';
import type { TestServices } from '../../support/stores.ts';
import { send } from '../../support/wire.ts';
import { openWorld, type World } from '../../support/world.ts';

/**
 * The right answer to every step of a sign-in, given where it does not belong: in another browser, to another sign-in of the
 * same browser, of another account, or too late. None lets anybody in, and each is answered by a page that says what now.
 */
let world: World;
let app: RelyingParty;
beforeAll(async () => {
  world = await openWorld();
  app = await openRelyingParty(world, { first_party: true });
});
afterAll(() => world.close());

type Form = Record<string, string>;
/** Somebody at a step: what they would send, and where. */
type At = { person: Person; account: { accountId: string }; path: string; right(): Promise<Form> };

async function withPassword<Given>(
  give: (accountId: string) => Promise<Given>,
): Promise<{ person: Person; account: Careful; given: Given }> {
  const account = await carefulAccount(world);
  const given = await give(account.accountId);
  const person = await begins();
  await person.submits({ identifier: account.identifier, password: account.password });
  return { person, account, given };
}

const begins = async () => world.person().goes(app.asks().url);
const stepOf = (person: Person, path: string) => `/interaction/${person.path.split('/')[2]}/${path}`;

async function forgotten() {
  const account = await world.account();
  const person = await begins();
  await person.goes(`${person.url}/forgot`);
  await person.submits({ identifier: account.identifier });
  return { person, account };
}

const ofTests = () => world.services as unknown as TestServices;

/** What a browser answers to the passkey page's script. */
async function passkeyFor(
  person: Person,
  { accountId }: { accountId: string },
  step: string,
  made?: Awaited<ReturnType<typeof aPasskey>>,
): Promise<Form> {
  const { authenticator } = made ?? (await aPasskey(ofTests(), accountId));
  const { json } = await send(`${world.issuer}${stepOf(person, step)}/options`, {
    body: new URLSearchParams(),
    headers: {
      cookie: person.cookieHeader(),
      origin: world.issuer,
      'sec-fetch-site': 'same-origin',
      'x-forwarded-for': person.address,
    },
  });
  return { response: authenticator.assert(json['options'] as { challenge: string }) };
}

const steps: Record<string, () => Promise<At>> = {
  'a code of the authenticator app': async () => {
    const { person, account } = await withPassword(async () => undefined);
    const right = async () => ({ code: await world.freshCode(account.totpSecret) });
    return { person, account, path: stepOf(person, 'second-step'), right };
  },
  'a code by text message': async () => {
    const { person, account } = await withPassword((id) => giveText(world.services, id));
    await person.follows('Use a backup method');
    await person.presses(`Use this: A code sent to the number ${lastDigits(account.number)}`);
    const code = await world.codeSentTo(account.number);
    return { person, account, path: stepOf(person, 'second-step'), right: async () => ({ code }) };
  },
  'a backup code': async () => {
    const { person, account, given } = await withPassword((id) => giveBackupCodes(world.services, id));
    await person.follows('Use a backup method');
    await person.presses('Use this: 10 codes left');
    const right = async () => ({ code: given[0] ?? '' });
    return { person, account, path: stepOf(person, 'second-step'), right };
  },
  'a code to reset the password': async () => {
    const { person, account } = await forgotten();
    const code = await world.codeSentTo(account.identifier);
    return { person, account, path: stepOf(person, 'reset-code'), right: async () => ({ code }) };
  },
  'a new password': async () => {
    const { person, account } = await forgotten();
    await person.submits({ code: await world.codeSentTo(account.identifier) });
    const right = async () => ({ new_password: 'a long new password', password: 'a long new password' });
    return { person, account, path: stepOf(person, 'new-password'), right };
  },
  'a code to sign up': async () => {
    const person = await begins();
    await person.goes(`${person.url}/sign-up`);
    const identifier = `fresh${Date.now()}@example.com`;
    await person.submits({ name: 'New One', identifier, password: 'a long new password' });
    const code = await world.codeSentTo(identifier);
    const account = { accountId: 'nobody yet' };
    return {
      person,
      account,
      path: new URL(person.html.forms[0]?.action ?? '', person.url).pathname,
      right: async () => ({ code }),
    };
  },
  'a code for an unusual sign-in': async () => {
    const account = await world.account();
    await (await world.person().goes(`${world.issuer}/account`)).signsIn(account);
    world.advance(200 * days);
    const person = await begins();
    await person.signsIn(account);
    const code = await world.codeSentTo(account.identifier);
    return { person, account, path: stepOf(person, 'risk'), right: async () => ({ code }) };
  },
  'a passkey on the sign-in page': async () => {
    const account = await world.account();
    const person = await begins();
    const form = await passkeyFor(person, account, 'passkey');
    return { person, account, path: stepOf(person, 'passkey'), right: async () => form };
  },
  'a passkey at the second step': async () => {
    const { person, account, given } = await withPassword((id) => aPasskey(ofTests(), id));
    await person.follows('Use a backup method');
    await person.presses(`Use this: ${given.passkey.name}`);
    const form = await passkeyFor(person, account, 'second-step', given);
    return { person, account, path: stepOf(person, 'second-step'), right: async () => form };
  },
  'an approval that was given on another device': async () => {
    const account = await carefulAccount(world);
    await giveApprovals(world.services, account.accountId);
    const phone = await signedInFully(world, account);
    const person = await begins();
    await person.submits({ identifier: account.identifier, password: account.password });
    await person.follows('Use a backup method');
    await person.presses('Use this: On a device where you’re signed in to your account');
    const number = person.text.match(/\b\d{3} \d{3}\b/)?.[0].replace(' ', '') ?? '';
    await phone.goes(`${world.issuer}/account/approvals`);
    await phone.submits({ number });
    const right = async () => ({ approval: 'asked' });
    return { person, account, path: stepOf(person, 'second-step'), right };
  },
  'another password for one that attackers know': async () => {
    const account = { ...(await carefulAccount(world)), password: 'password123' };
    await setPassword(world.services, account);
    const person = await begins();
    await person.submits({ identifier: account.identifier, password: account.password });
    await person.submits({ code: await world.freshCode(account.totpSecret) });
    const right = async () => ({ password: 'a long new password' });
    return { person, account, path: stepOf(person, 'known-password'), right };
  },
  'the missing step of a session': async () => {
    const account = await carefulAccount(world);
    const person = await world.person().goes(`${world.issuer}/account`);
    await person.signsIn(account);
    await person.submits({ code: await world.freshCode(account.totpSecret), trust_device: 'yes' });
    await person.presses('Sign out');
    await person.goes(`${world.issuer}/account`);
    await person.signsIn(account);
    await person.goes(app.asks({ acr_values: 'urn:latchkey:acr:2fa' }).url);
    const right = async () => ({ code: await world.freshCode(account.totpSecret) });
    return { person, account, path: stepOf(person, 'second-step'), right };
  },
};

async function sends(person: Person, path: string, form: Form): Promise<void> {
  await person.isSentTo(`${world.issuer}${path}`, { form, from: world.issuer });
}

/** What an account had before and has after: nothing more may come of it. */
async function access({ accountId }: { accountId: string }) {
  const [sessions, grants] = await Promise.all([
    listSessions(world.services, accountId),
    listGrants(world.services, accountId),
  ]);
  return { sessions: sessions.map(({ uid }) => uid), grants: grants.length };
}

describe.each(Object.entries(steps))('%s', (_, arrive) => {
  it('does nothing in another browser, in another sign-in, or too late', async () => {
    const { person, account, path, right } = await arrive();
    const before = await access(account);

    const thief = await begins();
    await sends(thief, path, await right());
    expect([thief.left, thief.status, thief.errorCode]).toEqual([undefined, 410, 'interaction_expired']);
    await sends(thief, `/interaction/${thief.url.split('/').at(-1)}/x`, await right());
    expect(thief.left).toBeUndefined();

    const there = person.url;
    await person.goes(app.asks({ prompt: 'login' }).url);
    await sends(person, stepOf(person, path.split('/').at(-1) ?? ''), await right());
    expect([person.left, person.heading]).toEqual([undefined, 'Sign in']);

    world.advance(61 * minutes);
    await person.goes(there);
    expect([person.left, person.status]).toEqual([undefined, 410]);
    await sends(person, path, await right());
    expect([person.left, person.status, person.errorCode]).toEqual([undefined, 410, 'interaction_expired']);
    expect(await access(account)).toEqual(before);
  });

  it('does nothing for another account', async () => {
    const [mine, theirs] = [await arrive(), await arrive()];
    const before = [await access(mine.account), await access(theirs.account)];
    const form = await theirs.right();
    // A new password is whoever's interaction it is typed into, an approval that of the one that asked: nothing names an account.
    if ('password' in form || 'approval' in form) return;
    await sends(mine.person, mine.path, form);
    expect(mine.person.left).toBeUndefined();
    // Of two who were away for so long the first has waited for too long by the time of the second.
    expect([400, 410]).toContain(mine.person.status);
    expect(mine.person.alert ?? mine.person.errorCode).toBeTruthy();
    expect([await access(mine.account), await access(theirs.account)]).toEqual(before);
  });

  it('is good once: the second answer changes nothing any more', async () => {
    const { person, path, right, account } = await arrive();
    const form = await right();
    await sends(person, path, form);
    // It is the right one: what is asked next, or the app.
    expect(person.left ?? [person.status, person.alert]).toEqual(person.left ?? [200, undefined]);
    const after = await access(account);
    await sends(person, path, form);
    const said = person.left?.searchParams.get('code') ?? null;
    expect([said, await access(account)]).toEqual([null, after]);
  });
});
