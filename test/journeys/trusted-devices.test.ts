import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { listEvents } from '../../src/audit/list.ts';
import { arrivalOf, openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { aWhile, type Careful, carefulAccount, giveText, signedInFully } from '../support/second-steps.ts';
import {
  afterPassword,
  devicesIn,
  firefox,
  newerFirefox,
  safari,
  trusting,
  withDevicesOf,
} from '../support/trusted-devices.ts';
import { openWorld, type World } from '../support/world.ts';

/** docs/security.md says what trusted devices promise, column by column; each has its test here (misuse case MF-13). */
let world: World;
let app: RelyingParty;
beforeAll(async () => {
  world = await openWorld();
  app = await openRelyingParty(world, { first_party: true });
});
afterAll(() => world.close());

const events = async ({ accountId }: Careful, type: string) =>
  (await listEvents(world.services, { accountId, limit: 50 })).filter((event) => event.type === type);

describe('what is skipped', () => {
  it('is the second step, and only it: the password is asked each time', async () => {
    const account = await carefulAccount(world);
    const person = await trusting(world, account);
    const next = await withDevicesOf(world, person);
    await next.goes(`${world.issuer}/account`);
    expect(next.heading).toBe('Sign in');
    await next.submits({ identifier: account.identifier, password: 'not the password' });
    expect(next.heading).toBe('Sign in');
    expect(await afterPassword(world, next, account)).toBe('skipped');
    const [signedIn] = await events(account, 'account.signed_in');
    expect(signedIn?.detail).toMatchObject({ amr: ['pwd'], trusted_device: true });
  });

  it('is nothing where the box was not ticked', async () => {
    const account = await carefulAccount(world);
    const person = await signedInFully(world, account);
    expect(devicesIn(world, person)).toEqual([]);
  });

  it.each([
    ['asks for a level', { acr_values: 'urn:latchkey:acr:2fa' }],
    ['asks for a fresh sign-in', { prompt: 'login' }],
  ])('is nothing when an app %s', async (_, params) => {
    const account = await carefulAccount(world);
    const next = await withDevicesOf(world, await trusting(world, account));
    await next.goes(app.asks(params).url);
    await next.submits({ identifier: account.identifier, password: account.password });
    expect(next.heading).toBe('Two-step verification');
    await next.submits({ code: await world.freshCode(account.totpSecret) });
    expect(arrivalOf(next).searchParams.has('code')).toBe(true);
  });

  it('is nothing for an app that is registered with a level', async () => {
    const strict = await openRelyingParty(world, {
      first_party: true,
      default_acr_values: ['urn:latchkey:acr:2fa'],
    });
    const account = await carefulAccount(world);
    const next = await withDevicesOf(world, await trusting(world, account));
    await next.goes(strict.asks().url);
    await next.submits({ identifier: account.identifier, password: account.password });
    expect(next.heading).toBe('Two-step verification');
  });

  it('is nothing when an app wants an old session proved again', async () => {
    const account = await carefulAccount(world);
    const person = await trusting(world, account);
    world.advance(aWhile);
    await person.goes(app.asks({ max_age: '60' }).url);
    await person.submits({ identifier: account.identifier, password: account.password });
    expect(person.heading).toBe('Two-step verification');
  });

  it('is not the fresh proof of a sensitive change', async () => {
    const account = await carefulAccount(world);
    const next = await withDevicesOf(world, await trusting(world, account));
    expect(await afterPassword(world, next, account)).toBe('skipped');
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
    await trusting(world, account);
    expect(await afterPassword(world, world.person({ userAgent: firefox }), account)).toBe('asked');
  });

  it('is the kind of browser, which may be updated; shown by another kind it is trusted no more', async () => {
    const account = await carefulAccount(world);
    const person = await trusting(world, account);
    expect(await afterPassword(world, await withDevicesOf(world, person, newerFirefox), account)).toBe(
      'skipped',
    );
    expect(await afterPassword(world, await withDevicesOf(world, person, safari), account)).toBe('asked');
    expect(await afterPassword(world, await withDevicesOf(world, person), account)).toBe('asked');
    const [refused] = await events(account, 'trusted_device.refused');
    expect(refused?.detail).toMatchObject({ reason: 'other_browser' });
  });

  it('is the account: a stolen cookie does nothing at another one, and costs its owner nothing', async () => {
    const [account, stranger] = [await carefulAccount(world), await carefulAccount(world)];
    const person = await trusting(world, account);
    expect(await afterPassword(world, await withDevicesOf(world, person), stranger)).toBe('asked');
    expect(await afterPassword(world, await withDevicesOf(world, person), account)).toBe('skipped');
  });

  it('lets several accounts of one browser have one each', async () => {
    const [one, other] = [await carefulAccount(world), await carefulAccount(world)];
    const person = await trusting(world, one);
    await person.presses('Sign out');
    await trusting(world, other, person);
    expect(devicesIn(world, person)).toHaveLength(2);
    for (const account of [one, other])
      expect(await afterPassword(world, await withDevicesOf(world, person), account)).toBe('skipped');
  });

  it('is nothing that can be made up: another secret to its id ends it', async () => {
    const account = await carefulAccount(world);
    const person = await trusting(world, account);
    const [pair = ''] = devicesIn(world, person);
    const [name, token = ''] = pair.split('=');
    const thief = world.person({ userAgent: firefox });
    await thief.cookies.setCookie(`${name}=${token.slice(0, 23)}${'x'.repeat(43)}`, world.issuer);
    expect(await afterPassword(world, thief, account)).toBe('asked');
    expect((await events(account, 'trusted_device.refused'))[0]?.detail).toMatchObject({
      reason: 'wrong_secret',
    });
  });
});

describe('what we keep of it', () => {
  it('is a digest: nothing of the secret stands in the records', async () => {
    const person = await trusting(world, await carefulAccount(world));
    const [, secret = ''] = devicesIn(world, person)[0]?.split('.').slice(1) ?? [];
    expect(secret).toHaveLength(43);
    const rows = await world.services.db.selectFrom('trusted_devices').selectAll().execute();
    const kept = JSON.stringify(rows);
    expect(kept).not.toContain(secret);
    expect(kept).not.toContain(secret.slice(0, 20));
  });

  it('is a cookie that scripts and other sites do not get (SE-03)', async () => {
    const person = await trusting(world, await carefulAccount(world));
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

describe('the list', () => {
  it('shows place, browser, first and last use, and this one; it can be renamed', async () => {
    const account = await carefulAccount(world);
    const person = await trusting(world, account);
    const other = await trusting(world, account, world.person({ userAgent: safari }));
    const [here, there] = [person.address, other.address];
    await person.goes(`${world.issuer}/account/devices`);
    expect(person.html.textsOf('h2')).toEqual(['Firefox on Linux This browser', 'Safari on macOS']);
    for (const shown of [here, there, 'Trusted since', 'Not used yet']) expect(person.text).toContain(shown);
    await person.follows('Rename Safari on macOS');
    await person.submits({ name: 'Kitchen laptop' });
    expect(person.html.textsOf('h2')).toContain('Kitchen laptop');
    expect(person.text).toContain('Safari on macOS');
    expect(await afterPassword(world, await withDevicesOf(world, other, safari), account)).toBe('skipped');
    await person.goes(`${world.issuer}/account/devices`);
    expect(person.text).toContain('Last used');
    await person.presses('Remove Kitchen laptop');
    expect(person.html.textsOf('h2')).toEqual(['Firefox on Linux This browser']);
    expect(await afterPassword(world, await withDevicesOf(world, other, safari), account)).toBe('asked');
  });

  it('tells every address of each that comes and goes, and the record has all of it', async () => {
    const account = await carefulAccount(world);
    const person = await trusting(world, account);
    const added = (await world.outbox()).filter(({ text }) =>
      /no longer asks|choose not to be asked|chose not/.test(text),
    );
    expect(new Set(added.slice(0, 2).map(({ to }) => to))).toEqual(
      new Set([account.identifier, account.number]),
    );
    await person.goes(`${world.issuer}/account/devices`);
    await person.presses('Remove Firefox on Linux');
    expect(devicesIn(world, person)).toEqual([]);
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
    const person = await trusting(world, account);
    const id = devicesIn(world, person)[0]?.split('=')[1]?.split('.')[0] ?? '';
    const nosy = await signedInFully(world, stranger);
    await nosy.goes(`${world.issuer}/account/devices`);
    expect(nosy.text).toContain('No browser is trusted');
    for (const path of [`${id}/remove`, `${id}/rename`]) {
      const form = { name: 'mine' };
      await nosy.isSentTo(`${world.issuer}/account/devices/${path}`, { form, from: world.issuer });
      expect([nosy.status, nosy.errorCode]).toEqual([404, 'not_found']);
    }
    expect(await afterPassword(world, await withDevicesOf(world, person), account)).toBe('skipped');
  });

  it('of an account without a second step is void', async () => {
    const account = await carefulAccount(world);
    const person = await trusting(world, account);
    await person.goes(`${world.issuer}/account/two-step/off`);
    await person.presses('Turn off two-step verification');
    await giveText(world.services, account.accountId);
    expect(await afterPassword(world, await withDevicesOf(world, person), account)).toBe('asked');
  });
});
