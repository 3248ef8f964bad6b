import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { listEvents } from '../../src/audit/list.ts';
import { listSessions } from '../../src/oidc/sessions.ts';
import { aPasskey } from '../support/passkeys.ts';
import type { Person } from '../support/person.ts';
import { openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { type Careful, carefulAccount, giveTotp, signedInFully } from '../support/second-steps.ts';
import type { TestServices } from '../support/stores.ts';
import { send } from '../support/wire.ts';
import { openWorld, type World } from '../support/world.ts';

let world: World;
let app: RelyingParty;
beforeAll(async () => {
  world = await openWorld();
  app = await openRelyingParty(world);
});
afterAll(() => world.close());

const lasting = { scope: 'openid email offline_access', prompt: 'consent' };

async function resets(person: Person, account: Careful, by: string): Promise<void> {
  await person.goes(`${person.url}/forgot`);
  await person.submits({ identifier: by });
  await person.submits({ code: await world.codeSentTo(by) });
  await person.submits({ password: account.password });
}

async function gives(person: Person, { identifier, password }: Careful): Promise<void> {
  await person.submits({ identifier, password });
}

/** Every way in there is, up to where the second step has to be asked (misuse case MF-27). Devices have it in device-page.test.ts (DF-09). */
const pathways: [string, (person: Person, account: Careful) => Promise<void>][] = [
  ['an app', async (person, account) => gives(await person.goes(app.asks().url), account)],
  [
    'the account pages',
    async (person, account) => gives(await person.goes(`${world.issuer}/account`), account),
  ],
  [
    'an app that asks for a fresh sign-in',
    async (person, account) => gives(await person.goes(app.asks({ prompt: 'login' }).url), account),
  ],
  [
    'an app that takes no old sign-in',
    async (person, account) => gives(await person.goes(app.asks({ max_age: '0' }).url), account),
  ],
  [
    'a password that was reset by e-mail',
    async (person, account) => resets(await person.goes(app.asks().url), account, account.identifier),
  ],
  [
    'a password that was reset by text message',
    async (person, account) => resets(await person.goes(app.asks().url), account, account.number),
  ],
  [
    'another account’s consent page',
    async (person, account) => {
      const other = await world.account();
      await person.goes(app.asks(lasting).url);
      await person.submits({ identifier: other.identifier, password: other.password });
      await person.isSentTo(`${person.url}/start-over`, { form: {}, from: world.issuer });
      await gives(person, account);
    },
  ],
  [
    'a session of somebody else in this browser',
    async (person, account) => {
      const other = await world.account();
      await person.goes(`${world.issuer}/account`);
      await person.signsIn(other);
      await gives(await person.goes(app.asks({ prompt: 'login' }).url), account);
    },
  ],
  [
    'a sign-up with its address',
    async (person, account) => {
      await person.goes(app.asks().url);
      const start = person.url;
      await person.goes(`${start}/sign-up`);
      await person.submits({ name: 'Eve', identifier: account.identifier, password: 'a long new password' });
      await person.goes(`${start}/sign-in`);
      await gives(person, account);
    },
  ],
];

describe('an account with a second step', () => {
  it.each(pathways)('is asked for it by way of %s, and has no session before (MF-27)', async (_, takes) => {
    const account = await carefulAccount(world);
    const person = world.person();
    await takes(person, account);
    expect(person.heading).toBe('Two-step verification');
    expect(await listSessions(world.services, account.accountId)).toEqual([]);
    await person.submits({ code: await world.freshCode(account.totpSecret) });
    expect(await listSessions(world.services, account.accountId)).toHaveLength(1);
    const events = await listEvents(world.services, { accountId: account.accountId, limit: 20 });
    const signedIn = events.find(({ type }) => type === 'account.signed_in');
    expect(signedIn?.detail['amr']).toEqual(['pwd', 'otp', 'mfa']);
  });
});

describe('a passkey of such an account', () => {
  const quiet = { making: 'quiet_passkey', made: { flags: { up: false, uv: false } } } as const;

  it.each([
    ['that counts for one factor is asked for another', quiet, ['swk', 'user', 'otp', 'mfa']],
    ['that verified its user is both', {}, ['swk', 'user', 'mfa']],
  ] as const)('%s (MF-27)', async (_, making, amr) => {
    const account = await carefulAccount(world);
    const services = world.services as unknown as TestServices;
    const { authenticator } = await aPasskey(services, account.accountId, making);
    const person = await world.person().goes(`${world.issuer}/account`);
    const { url } = person;
    const { json } = await send(`${url}/passkey/options`, {
      body: new URLSearchParams(),
      headers: { cookie: person.cookieHeader(), origin: world.issuer, 'sec-fetch-site': 'same-origin' },
    });
    const response = authenticator.assert(json['options'] as { challenge: string });
    await person.isSentTo(`${url}/passkey`, { form: { response }, from: world.issuer });
    if (amr.length > 3) {
      expect(person.heading).toBe('Two-step verification');
      expect(await listSessions(world.services, account.accountId)).toEqual([]);
      // The same key is no other factor.
      await person.follows('Use a backup method');
      expect(person.text).not.toContain('Passkey');
      await person.follows('Back');
      await person.submits({ code: await world.freshCode(account.totpSecret) });
    }
    expect(person.path).toBe('/account');
    const events = await listEvents(world.services, { accountId: account.accountId, limit: 20 });
    expect(events.find(({ type }) => type === 'account.signed_in')?.detail['amr']).toEqual(amr);
  });
});

describe('a change of the second step (SE-11)', () => {
  async function changes(person: Person, account: Careful, how: string): Promise<void> {
    const page = (path: string) => person.goes(`${world.issuer}/account/two-step${path}`);
    if (how === 'an app is added') {
      await page('/new');
      const secret = person.html.textOf('code')?.replaceAll(' ', '') ?? '';
      await person.submits({ code: await world.freshCode(secret) });
    }
    if (how === 'an app is removed') {
      const { id } = await giveTotp(world.services, account.accountId, 'Tablet');
      await page(`/remove?method=totp.${id}`);
      await person.presses('Remove');
    }
    if (how === 'it is turned off') {
      await page('/off');
      await person.presses('Turn off two-step verification');
    }
    expect(person.url).toContain('did=');
  }

  it.each(['an app is added', 'an app is removed', 'it is turned off'])(
    'ends the other sessions and what apps hold by them, on every process, when %s',
    async (how) => {
      const neighbour = await openWorld({}, { beside: world });
      const account = await carefulAccount(world);
      const [there, here] = [world.person(), world.person()];
      const tokens = await app.signsIn(there, account, lasting);
      world.advance(2000);
      await signedInFully(world, account, { person: here });
      const copied = here.cookieHeader(world.issuer);
      await changes(here, account, how);

      expect((await app.refreshes(tokens.refresh_token)).json).toMatchObject({ error: 'invalid_grant' });
      expect(await app.introspects(tokens.access_token)).toEqual({ active: false });
      for (const { issuer } of [world, neighbour]) {
        await there.goes(`${issuer}/account`);
        expect(there.heading).toBe('Sign in');
      }
      await here.goes(`${world.issuer}/account`);
      expect(here.path).toBe('/account');
      // Whoever copied the cookie of the browser that stays is out as well.
      const thief = world.person();
      for (const pair of copied.split('; ').filter((one) => one.startsWith('latchkey-session')))
        await thief.cookies.setCookie(pair, world.issuer);
      await thief.goes(`${world.issuer}/account`);
      expect(thief.heading).toBe('Sign in');
      await neighbour.close();
    },
  );
});
