import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { rememberAccount } from '../../../src/actions/remembered-accounts.ts';
import { suspendAccount } from '../../../src/actions/suspend-account.ts';
import { setPassword } from '../../../src/credentials/password.ts';
import { newTotpSecret } from '../../../src/credentials/totp.ts';
import { days } from '../../../src/kit/durations.ts';
import { listGrants } from '../../../src/oidc/grants.ts';
import { layout } from '../../../src/oidc/live-layout.ts';
import { listSessions } from '../../../src/oidc/sessions.ts';
import { aPasskey } from '../../support/passkeys.ts';
import type { Person } from '../../support/person.ts';
import { arrivalOf, openRelyingParty, type RelyingParty } from '../../support/relying-party.ts';
import {
  carefulAccount,
  giveApprovals,
  giveBackupCodes,
  giveText,
  lastDigits,
  signedInFully,
} from '../../support/second-steps.ts';
import type { TestServices } from '../../support/stores.ts';
import { openWorld, type World } from '../../support/world.ts';
import { addressesFor, type HalfDone, tried } from './sweep.ts';

/**
 * No route lets somebody in with a step missing (misuse case MF-05): every address that there is, of our router tables and of
 * the engine's, by GET and by POST with all that somebody half-way could know, in every state that a sign-in can be left in.
 * After each the state is put back as it was.
 */
let world: World;
let app: RelyingParty;
beforeAll(async () => {
  world = await openWorld();
  // With its second face too: whatever is asked there is asked of the same sign-in.
  app = await openRelyingParty(world, { first_party: true, login_with_amazon: true });
});
afterAll(() => world.close());

async function begun(): Promise<HalfDone> {
  const account = await carefulAccount(world);
  await giveText(world.services, account.accountId);
  await giveBackupCodes(world.services, account.accountId);
  const person = await world.person().goes(app.asks({ scope: 'openid email' }).url);
  return { account, person, uid: uidOf(person) };
}

function uidOf({ path }: Person): string {
  return path.split('/')[2] ?? '';
}

async function withPassword(): Promise<HalfDone> {
  const half = await begun();
  const { identifier, password } = half.account;
  await half.person.submits({ identifier, password });
  expect(half.person.heading).toBe('Two-step verification');
  return half;
}

async function forgotten(): Promise<HalfDone> {
  const half = await begun();
  await half.person.goes(`${half.person.url}/forgot`);
  await half.person.submits({ identifier: half.account.identifier });
  return half;
}

const states: Record<string, () => Promise<HalfDone>> = {
  'nothing proved': begun,
  'the password proved': withPassword,
  'a text message chosen': async () => {
    const half = await withPassword();
    await half.person.follows('Use a backup method');
    await half.person.presses(`Use this: A code sent to the number ${lastDigits(half.account.number)}`);
    return half;
  },
  'a backup code chosen': async () => {
    const half = await withPassword();
    await half.person.follows('Use a backup method');
    await half.person.presses('Use this: 10 codes left');
    return half;
  },
  'a code to reset the password sent': forgotten,
  'the code to reset the password proved': async () => {
    const half = await forgotten();
    await half.person.submits({ code: await world.codeSentTo(half.account.identifier) });
    return half;
  },
  'a sign-up with the address of somebody else': async () => {
    const half = await begun();
    await half.person.goes(`${half.person.url}/sign-up`);
    const { identifier } = half.account;
    await half.person.submits({ name: 'Eve', identifier, password: 'a long new password' });
    return half;
  },
  'a passkey asked': passkeyAsked,
  'an approval asked for, and not given': async () => {
    const half = await begun();
    const { account, person } = half;
    await giveApprovals(world.services, account.accountId);
    await signedInFully(world, account);
    await person.submits({ identifier: account.identifier, password: account.password });
    await person.follows('Use a backup method');
    await person.presses('Use this: On a device where you’re signed in to your account');
    expect(person.text).toMatch(/\b\d{3} \d{3}\b/);
    return half;
  },
  'an unusual sign-in, asked for a code': unusual,
  'a password of attackers’ lists to be changed': async () => {
    const half = await begun();
    const { accountId, identifier, totpSecret } = half.account;
    const account = { ...half.account, password: 'password123' };
    await setPassword(world.services, { accountId, password: account.password });
    await half.person.submits({ identifier, password: account.password });
    await half.person.submits({ code: await world.freshCode(totpSecret) });
    expect(half.person.heading).toBe('Choose a new password');
    return { ...half, account };
  },
  'an account of the chooser picked': async () => {
    const half = await begun();
    const { accountId } = half.account;
    const cookies = rememberAccount(
      world.services,
      { lasting: undefined, passing: undefined },
      { accountId, remember: true },
    );
    await half.person.cookies.setCookie(`latchkey-accounts=${cookies.lasting}; Path=/`, world.issuer);
    await half.person.goes(half.person.url);
    const picked = half.person.html.forms.find(({ action }) => action.endsWith('/account'))?.buttons[0];
    await half.person.submits({ account: picked?.value ?? '' });
    expect(half.person.text).toContain('You are signing in as');
    return half;
  },
  'everything proved of a suspended account': async () => {
    const half = await begun();
    const { accountId, identifier, password, totpSecret } = half.account;
    await suspendAccount(world.services, { accountId, reason: 'test' });
    await half.person.submits({ identifier, password });
    await half.person.submits({ code: await world.freshCode(totpSecret) });
    expect(half.person.status).toBe(403);
    return half;
  },
};

/** Only the password was ever asked of them, and they were away for so long that it is not enough today. */
async function unusual(): Promise<HalfDone> {
  const account = { ...(await world.account()), totpSecret: newTotpSecret(), number: '+4915100000000' };
  const owner = await world.person().goes(`${world.issuer}/account`);
  await owner.signsIn(account);
  await owner.presses('Sign out');
  world.advance(200 * days);
  const person = await world.person().goes(app.asks({ scope: 'openid email' }).url);
  await person.submits({ identifier: account.identifier, password: account.password });
  expect(person.heading).toBe('Confirm that it’s you');
  return { account, person, uid: uidOf(person) };
}

async function passkeyAsked(): Promise<HalfDone> {
  const half = await begun();
  const { accountId, identifier, password } = half.account;
  const { passkey } = await aPasskey(world.services as unknown as TestServices, accountId);
  await half.person.submits({ identifier, password });
  await half.person.follows('Use a backup method');
  await half.person.presses(`Use this: ${passkey.name}`);
  return half;
}

describe.each(Object.keys(states))('somebody with %s', (name) => {
  it('is signed in by no address that there is (MF-05)', async () => {
    const half = await (states[name] ?? begun)();
    const { live } = world.services;
    const key = layout.interaction(half.uid);
    const [before] = await live.read([key]);
    if (!before) throw new Error('nothing is under way');
    const { accountId } = half.account;
    const access = async () => {
      const sessions = await listSessions(world.services, accountId);
      return {
        sessions: sessions.map(({ uid }) => uid),
        grants: await listGrants(world.services, accountId),
      };
    };
    // Nothing, but where somebody could approve from.
    const was = await access();
    expect(was.sessions).toHaveLength(name.includes('approval') ? 1 : 0);
    const addresses = addressesFor(world, app, half);
    expect(addresses.length).toBeGreaterThan(50);
    for (const address of addresses)
      for (const method of ['GET', 'POST'] as const) {
        await tried(world, half, address, method);
        expect([method, address, await access()]).toEqual([method, address, was]);
        await live.commit([{ do: 'put', key, value: before.value, ttlMs: 3_600_000 }]);
      }
    await half.person.goes(app.asks({ prompt: 'none' }).url);
    expect(arrivalOf(half.person).searchParams.get('error')).toBe('login_required');
    for (const page of ['', '/signed-in', '/two-step', '/devices', '/confirm', '/sessions']) {
      await half.person.goes(`${world.issuer}/account${page}`);
      expect([page, half.person.heading]).toEqual([
        page,
        expect.stringMatching(/^(Sign in|You’re signed out)$/),
      ]);
    }
  }, 600_000);
});

describe('the sweep', () => {
  it('would have seen a session: the right code makes one', async () => {
    const { account, person } = await withPassword();
    expect(await listSessions(world.services, account.accountId)).toHaveLength(0);
    await person.submits({ code: await world.freshCode(account.totpSecret) });
    expect(await listSessions(world.services, account.accountId)).toHaveLength(1);
  });
});
