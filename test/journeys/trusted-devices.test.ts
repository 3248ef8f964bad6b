import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { lockAccount } from '../../src/actions/lock-account.ts';
import { unlockAccount } from '../../src/actions/unlock-account.ts';
import { listEvents } from '../../src/audit/list.ts';
import { days } from '../../src/kit/durations.ts';
import type { Person } from '../support/person.ts';
import { arrivalOf, openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import {
  atSecondStep,
  aWhile,
  type Careful,
  carefulAccount,
  giveText,
  giveTotp,
  signedInFully,
  wrongCode,
} from '../support/second-steps.ts';
import { openWorld, type World } from '../support/world.ts';

/** docs/security.md says what trusted devices promise, column by column; each has its test here (misuse case MF-13). */
let world: World;
let app: RelyingParty;
beforeAll(async () => {
  world = await openWorld();
  app = await openRelyingParty(world, { first_party: true });
});
afterAll(() => world.close());

const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
const newerFirefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:152.0) Gecko/20100101 Firefox/152.0';
const safari =
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 14_0) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Safari/605.1.15';

async function trusting(account: Careful, person = world.person({ userAgent: firefox })): Promise<Person> {
  await signedInFully(world, account, { person, trust: true });
  expect(person.path).toBe('/account');
  return person;
}

/** Another browser with the cookies of trusted devices that this one has, and no session. */
async function withDevicesOf(person: Person, userAgent = firefox): Promise<Person> {
  const other = world.person({ userAgent });
  for (const pair of devicesIn(person)) await other.cookies.setCookie(pair, world.issuer);
  return other;
}

function devicesIn(person: Person): string[] {
  return person
    .cookieHeader(world.issuer)
    .split('; ')
    .filter((pair) => pair.startsWith('device.'));
}

/** What a sign-in with the password leads to. */
async function afterPassword(person: Person, account: Careful): Promise<string> {
  await atSecondStep(world, account, person);
  return person.heading === 'Two-step verification' ? 'asked' : 'skipped';
}

const events = async ({ accountId }: Careful, type: string) =>
  (await listEvents(world.services, { accountId, limit: 50 })).filter((event) => event.type === type);

describe('what is skipped', () => {
  it('is the second step, and only it: the password is asked each time', async () => {
    const account = await carefulAccount(world);
    const person = await trusting(account);
    const next = await withDevicesOf(person);
    await next.goes(`${world.issuer}/account`);
    expect(next.heading).toBe('Sign in');
    await next.submits({ identifier: account.identifier, password: 'not the password' });
    expect(next.heading).toBe('Sign in');
    expect(await afterPassword(next, account)).toBe('skipped');
    const [signedIn] = await events(account, 'account.signed_in');
    expect(signedIn?.detail).toMatchObject({ amr: ['pwd'], trusted_device: true });
  });

  it('is nothing where the box was not ticked', async () => {
    const account = await carefulAccount(world);
    const person = await signedInFully(world, account);
    expect(devicesIn(person)).toEqual([]);
  });

  it.each([
    ['asks for a level', { acr_values: 'urn:latchkey:2sv' }],
    ['asks for a fresh sign-in', { prompt: 'login' }],
  ])('is nothing when an app %s', async (_, params) => {
    const account = await carefulAccount(world);
    const next = await withDevicesOf(await trusting(account));
    await next.goes(app.asks(params).url);
    await next.submits({ identifier: account.identifier, password: account.password });
    expect(next.heading).toBe('Two-step verification');
    await next.submits({ code: await world.freshCode(account.totpSecret) });
    expect(arrivalOf(next).searchParams.has('code')).toBe(true);
  });

  it('is nothing when an app wants an old session proved again', async () => {
    const account = await carefulAccount(world);
    const person = await trusting(account);
    world.advance(aWhile);
    await person.goes(app.asks({ max_age: '60' }).url);
    await person.submits({ identifier: account.identifier, password: account.password });
    expect(person.heading).toBe('Two-step verification');
  });

  it('is not the fresh proof of a sensitive change', async () => {
    const account = await carefulAccount(world);
    const next = await withDevicesOf(await trusting(account));
    expect(await afterPassword(next, account)).toBe('skipped');
    await next.goes(`${world.issuer}/account/two-step/codes`);
    expect([next.heading, next.text.includes('authenticator app shows')]).toEqual([
      'Confirm that it’s you',
      true,
    ]);
  });
});

describe('what a device is bound to', () => {
  it('is the browser it was given to: others of the account are asked', async () => {
    const account = await carefulAccount(world);
    await trusting(account);
    expect(await afterPassword(world.person({ userAgent: firefox }), account)).toBe('asked');
  });

  it('is the kind of browser, which may be updated; shown by another kind it is trusted no more', async () => {
    const account = await carefulAccount(world);
    const person = await trusting(account);
    expect(await afterPassword(await withDevicesOf(person, newerFirefox), account)).toBe('skipped');
    expect(await afterPassword(await withDevicesOf(person, safari), account)).toBe('asked');
    expect(await afterPassword(await withDevicesOf(person), account)).toBe('asked');
    const [refused] = await events(account, 'trusted_device.refused');
    expect(refused?.detail).toMatchObject({ reason: 'other_browser' });
  });

  it('is the account: a stolen cookie does nothing at another one, and costs its owner nothing', async () => {
    const [account, stranger] = [await carefulAccount(world), await carefulAccount(world)];
    const person = await trusting(account);
    expect(await afterPassword(await withDevicesOf(person), stranger)).toBe('asked');
    expect(await afterPassword(await withDevicesOf(person), account)).toBe('skipped');
  });

  it('lets several accounts of one browser have one each', async () => {
    const [one, other] = [await carefulAccount(world), await carefulAccount(world)];
    const person = await trusting(one);
    await person.presses('Sign out');
    await trusting(other, person);
    expect(devicesIn(person)).toHaveLength(2);
    for (const account of [one, other])
      expect(await afterPassword(await withDevicesOf(person), account)).toBe('skipped');
  });

  it('is nothing that can be made up: another secret to its id ends it', async () => {
    const account = await carefulAccount(world);
    const person = await trusting(account);
    const [pair = ''] = devicesIn(person);
    const [name, token = ''] = pair.split('=');
    const thief = world.person({ userAgent: firefox });
    await thief.cookies.setCookie(`${name}=${token.slice(0, 23)}${'x'.repeat(43)}`, world.issuer);
    expect(await afterPassword(thief, account)).toBe('asked');
    expect((await events(account, 'trusted_device.refused'))[0]?.detail).toMatchObject({
      reason: 'wrong_secret',
    });
  });
});

describe('what we keep of it', () => {
  it('is a digest: nothing of the secret stands in the records', async () => {
    const person = await trusting(await carefulAccount(world));
    const [, secret = ''] = devicesIn(person)[0]?.split('.').slice(1) ?? [];
    expect(secret).toHaveLength(43);
    const rows = await world.services.db.selectFrom('trusted_devices').selectAll().execute();
    const kept = JSON.stringify(rows);
    expect(kept).not.toContain(secret);
    expect(kept).not.toContain(secret.slice(0, 20));
  });

  it('is a cookie that scripts and other sites do not get (SE-03)', async () => {
    const person = await trusting(await carefulAccount(world));
    const line = person.setCookies.find((one) => one.startsWith('device.')) ?? '';
    expect(line).toMatch(
      /^device\.[\w-]{8}=[\w-]{22}\.[\w-]{43}; Path=\/; Max-Age=\d+; SameSite=Lax; HttpOnly$/,
    );
    const secure = await openWorld({ ISSUER: 'https://id.example.com', SMTP_URL: 'smtp://127.0.0.1:9' });
    const account = await carefulAccount(secure);
    const own = await signedInFully(secure, account, { trust: true });
    const prefixed = own.setCookies.find((one) => one.includes('device.')) ?? '';
    expect(prefixed).toMatch(/^__Host-device\..*; Secure$/);
    await secure.close();
  });
});

describe('its end', () => {
  it('is thirty days after it was trusted, however often it is used', async () => {
    const account = await carefulAccount(world);
    const person = await trusting(account);
    for (let week = 0; week < 4; week += 1) {
      world.advance(7 * days);
      expect(await afterPassword(await withDevicesOf(person), account)).toBe('skipped');
    }
    const pairs = devicesIn(person);
    world.advance(2 * days);
    const late = world.person({ userAgent: firefox });
    for (const pair of pairs) await late.cookies.setCookie(pair, world.issuer);
    expect(await afterPassword(late, account)).toBe('asked');
  });

  it.each<[string, (account: Careful, person: Person) => Promise<unknown>]>([
    [
      'the password is changed',
      async (account, person) => {
        await person.goes(`${world.issuer}/account/password`);
        await person.submits({ password: account.password, new_password: 'nine-tidy-harbours' });
        expect(person.text).toContain('Your password was changed');
        account.password = 'nine-tidy-harbours';
      },
    ],
    [
      'the password is reset',
      async (account) => {
        const forgetful = world.person();
        await forgetful.goes(app.asks().url);
        await forgetful.goes(`${forgetful.url}/forgot`);
        await forgetful.submits({ identifier: account.identifier });
        await forgetful.submits({ code: await world.codeSentTo(account.identifier) });
        await forgetful.submits({ password: 'nine-tidy-harbours' });
        expect(forgetful.heading).toBe('Two-step verification');
        account.password = 'nine-tidy-harbours';
      },
    ],
    [
      'a method is removed',
      async (account, person) => {
        const { id } = await giveTotp(world.services, account.accountId, 'Old phone');
        await person.goes(`${world.issuer}/account/two-step/remove?method=totp.${id}`);
        await person.presses('Remove');
        expect(person.text).toContain('The method was removed');
      },
    ],
    [
      'an operator locks the account',
      async ({ accountId }) => {
        await lockAccount(world.services, { accountId, reason: 'test' });
        await unlockAccount(world.services, { accountId, reason: 'test' });
      },
    ],
    [
      'somebody with the password only guesses at the second step',
      async (account) => {
        const guesser = await atSecondStep(world, account);
        for (let tries = 0; tries < 5; tries += 1)
          await guesser.submits({ code: await wrongCode(account.totpSecret) });
        world.advance(aWhile);
      },
    ],
    [
      'it is removed from the list',
      async (_, person) => {
        await person.goes(`${world.issuer}/account/devices`);
        await person.presses('Remove Firefox on Linux');
      },
    ],
    [
      'all are removed',
      async (_, person) => {
        await person.goes(`${world.issuer}/account/devices`);
        await person.presses('Remove all');
      },
    ],
  ])('comes at once when %s', async (_, happens) => {
    const account = await carefulAccount(world);
    const person = await trusting(account);
    const copy = await withDevicesOf(person);
    await happens(account, person);
    expect(await afterPassword(copy, account)).toBe('asked');
  });

  it('is not escaped by a sign-in that was under way', async () => {
    const account = await carefulAccount(world);
    const slow = await atSecondStep(world, account, world.person({ userAgent: firefox }));
    world.advance(1000);
    await lockAccount(world.services, { accountId: account.accountId, reason: 'test' });
    await unlockAccount(world.services, { accountId: account.accountId, reason: 'test' });
    await slow.submits({ code: await world.freshCode(account.totpSecret), trust_device: 'yes' });
    expect(devicesIn(slow)).toEqual([]);
  });
});

describe('the list', () => {
  it('shows place, browser, first and last use, and this one; it can be renamed', async () => {
    const account = await carefulAccount(world);
    const person = await trusting(account);
    const other = await trusting(account, world.person({ userAgent: safari }));
    const [here, there] = [person.address, other.address];
    await person.goes(`${world.issuer}/account/devices`);
    expect(person.html.textsOf('h2')).toEqual(['Firefox on Linux This browser', 'Safari on macOS']);
    for (const shown of [here, there, 'Trusted since', 'Not used yet']) expect(person.text).toContain(shown);
    await person.follows('Rename Safari on macOS');
    await person.submits({ name: 'Kitchen laptop' });
    expect(person.html.textsOf('h2')).toContain('Kitchen laptop');
    expect(person.text).toContain('Safari on macOS');
    expect(await afterPassword(await withDevicesOf(other, safari), account)).toBe('skipped');
    await person.goes(`${world.issuer}/account/devices`);
    expect(person.text).toContain('Last used');
    await person.presses('Remove Kitchen laptop');
    expect(person.html.textsOf('h2')).toEqual(['Firefox on Linux This browser']);
    expect(await afterPassword(await withDevicesOf(other, safari), account)).toBe('asked');
  });

  it('tells every address of each that comes and goes, and the record has all of it', async () => {
    const account = await carefulAccount(world);
    const person = await trusting(account);
    const added = (await world.outbox()).filter(({ text }) =>
      /no longer asks|choose not to be asked|chose not/.test(text),
    );
    expect(new Set(added.slice(0, 2).map(({ to }) => to))).toEqual(
      new Set([account.identifier, account.number]),
    );
    await person.goes(`${world.issuer}/account/devices`);
    await person.presses('Remove Firefox on Linux');
    expect(devicesIn(person)).toEqual([]);
    const removed = (await world.outbox()).filter(({ text }) =>
      /trusted browser|was removed from those/.test(text),
    );
    expect(new Set(removed.slice(0, 2).map(({ to }) => to))).toEqual(
      new Set([account.identifier, account.number]),
    );
    expect(await events(account, 'trusted_device.added')).toHaveLength(1);
    expect(await events(account, 'trusted_device.removed')).toHaveLength(1);
  });

  it('has nothing of other people, and does nothing to it', async () => {
    const [account, stranger] = [await carefulAccount(world), await carefulAccount(world)];
    const person = await trusting(account);
    const id = devicesIn(person)[0]?.split('=')[1]?.split('.')[0] ?? '';
    const nosy = await signedInFully(world, stranger);
    await nosy.goes(`${world.issuer}/account/devices`);
    expect(nosy.text).toContain('No browser is trusted');
    for (const path of [`${id}/remove`, `${id}/rename`]) {
      const form = { name: 'mine' };
      await nosy.isSentTo(`${world.issuer}/account/devices/${path}`, { form, from: world.issuer });
      expect([nosy.status, nosy.errorCode]).toEqual([404, 'not_found']);
    }
    expect(await afterPassword(await withDevicesOf(person), account)).toBe('skipped');
  });

  it('of an account without a second step is void', async () => {
    const account = await carefulAccount(world);
    const person = await trusting(account);
    await person.goes(`${world.issuer}/account/two-step/off`);
    await person.presses('Turn off two-step verification');
    await giveText(world.services, account.accountId);
    expect(await afterPassword(await withDevicesOf(person), account)).toBe('asked');
  });
});
