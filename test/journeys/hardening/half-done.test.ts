import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { suspendAccount } from '../../../src/actions/suspend-account.ts';
import { listGrants } from '../../../src/oidc/grants.ts';
import { layout } from '../../../src/oidc/live-layout.ts';
import { listSessions } from '../../../src/oidc/sessions.ts';
import type { Person } from '../../support/person.ts';
import { arrivalOf, openRelyingParty, type RelyingParty } from '../../support/relying-party.ts';
import {
  type Careful,
  carefulAccount,
  giveBackupCodes,
  giveText,
  lastDigits,
  wrongCode,
} from '../../support/second-steps.ts';
import { newAddress, send } from '../../support/wire.ts';
import { openWorld, type World } from '../../support/world.ts';
import { ownRoutes } from './own-routes.ts';

/**
 * No route lets somebody in with a step missing (misuse case MF-05): every address that there is, of our router tables and of
 * the engine's, by GET and by POST with all that somebody half-way could know, in every state that a sign-in can be left in.
 * After each the state is put back as it was.
 */
let world: World;
let app: RelyingParty;
beforeAll(async () => {
  world = await openWorld();
  app = await openRelyingParty(world, { first_party: true });
});
afterAll(() => world.close());

type HalfDone = { account: Careful; person: Person; uid: string };

async function begun(): Promise<{ account: Careful; person: Person; uid: string }> {
  const account = await carefulAccount(world);
  await giveText(world.services, account.accountId);
  await giveBackupCodes(world.services, account.accountId);
  const person = await world.person().goes(app.asks({ scope: 'openid email' }).url);
  return { account, person, uid: person.path.split('/').at(-1) ?? '' };
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

/** What the engine answers at, and what somebody would try there. */
function engineAddresses(uid: string): string[] {
  return [
    `/authorize/${uid}`,
    '/authorize',
    `${new URL(app.asks({ prompt: 'none' }).url).pathname}${new URL(app.asks({ prompt: 'none' }).url).search}`,
    '/userinfo',
    '/token',
    '/introspect',
    '/revoke',
    '/logout',
    '/logout/confirm',
    `/interaction/${uid}/../../authorize/${uid}`,
  ];
}

function addressesFor({ account, uid }: HalfDone): string[] {
  const filled = ownRoutes(world).map(({ path }) =>
    path
      .replaceAll(':uid', uid)
      .replaceAll(/:(id|clientId|client_id)/g, account.accountId)
      .replaceAll(/\{[^}]*\}/g, ''),
  );
  // A right step of a reset is one: its password, once set, changes the state for good, and comes last.
  const last = (path: string) => Number(path.endsWith('/new-password'));
  return [...new Set([...filled, ...engineAddresses(uid)])].sort((a, b) => last(a) - last(b));
}

/** All that somebody with the password could send, and of what they do not know something wrong. */
async function formOf({ account }: HalfDone): Promise<URLSearchParams> {
  const { identifier, password, totpSecret, accountId } = account;
  return new URLSearchParams({
    identifier,
    password,
    new_password: password,
    code: await wrongCode(totpSecret),
    trust_device: 'yes',
    remember: 'yes',
    decision: 'allow',
    method: 'totp.x',
    name: 'x',
    link: 'x'.repeat(43),
    response: '{}',
    account: accountId,
    to: 'overview',
    about: '',
    number: account.number,
    grant_type: 'authorization_code',
    logout: 'yes',
  });
}

async function tried(half: HalfDone, address: string, method: 'GET' | 'POST'): Promise<void> {
  await send(`${world.issuer}${address}`, {
    method,
    ...(method === 'POST' ? { body: await formOf(half) } : {}),
    headers: {
      cookie: half.person.cookieHeader(world.issuer),
      'x-forwarded-for': newAddress(),
      'sec-fetch-site': 'same-origin',
      'sec-fetch-mode': 'navigate',
      accept: 'text/html',
    },
  });
}

describe.each(Object.keys(states))('somebody with %s', (name) => {
  it('is signed in by no address that there is (MF-05)', async () => {
    const half = await (states[name] ?? begun)();
    const { live } = world.services;
    const key = layout.interaction(half.uid);
    const [before] = await live.read([key]);
    if (!before) throw new Error('nothing is under way');
    const { accountId } = half.account;
    const addresses = addressesFor(half);
    expect(addresses.length).toBeGreaterThan(50);
    for (const address of addresses)
      for (const method of ['GET', 'POST'] as const) {
        await tried(half, address, method);
        const inside = await listSessions(world.services, accountId);
        const granted = await listGrants(world.services, accountId);
        expect([method, address, inside.length, granted.length]).toEqual([method, address, 0, 0]);
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
