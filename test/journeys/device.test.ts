import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import { disableClient } from '../../src/actions/disable-client.ts';
import { registerApi } from '../../src/actions/register-api.ts';
import { suspendAccount } from '../../src/actions/suspend-account.ts';
import { listEvents } from '../../src/audit/list.ts';
import { listConsents } from '../../src/consents/consent.ts';
import type { Person } from '../support/person.ts';
import { openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { newAddress } from '../support/wire.ts';
import { openWorld, type TestAccount, type World } from '../support/world.ts';

const grantType = 'urn:ietf:params:oauth:grant-type:device_code';
const television = {
  grant_types: [grantType, 'refresh_token'],
  redirect_uris: [],
  response_types: [],
  token_endpoint_auth_method: 'none',
  application_type: 'native',
};

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

type Codes = {
  device_code: string;
  user_code: string;
  verification_uri: string;
  verification_uri_complete: string;
  expires_in: number;
};

async function ask(app: RelyingParty, params: Record<string, string> = {}): Promise<Codes> {
  const answer = await app.posts('device_authorization', {
    scope: 'openid profile email offline_access',
    client_id: app.clientId,
    ...params,
  });
  expect(answer.status).toBe(200);
  return answer.json as Codes;
}

type Polled = { status: number } & Partial<Record<'error' | 'access_token' | 'id_token', string>>;

async function poll(
  app: RelyingParty,
  { device_code }: Codes,
  more: Record<string, string> = {},
): Promise<Polled> {
  const form = { grant_type: grantType, device_code, client_id: app.clientId, ...more };
  const { status, json } = await app.posts('token', form);
  return { ...(json as Partial<Polled>), status };
}

/** Types the code, signs in, and is then where the device is shown. */
async function atDevice(
  codes: Codes,
  account: TestAccount,
  person: Person = world.person(),
  code?: string,
): Promise<Person> {
  await person.goes(codes.verification_uri);
  await person.submits({ user_code: codes.user_code });
  if (person.heading === 'Sign in') await person.signsIn({ ...account, code });
  if (person.heading === 'Connect a device') await person.submits({ user_code: codes.user_code });
  return person;
}

const later = (seconds: number) => world.advance(seconds * 1000);

describe('a device that shows a code (RFC 8628)', () => {
  it('gets tokens after the person typed the code, signed in, compared and allowed', async () => {
    const [app, account] = [await openRelyingParty(world, television), await world.account()];
    const codes = await ask(app);
    expect(codes).toMatchObject({ verification_uri: `${world.issuer}/device`, expires_in: 600 });
    expect(codes.user_code).toMatch(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/);
    expect(await poll(app, codes)).toMatchObject({ status: 400, error: 'authorization_pending' });

    const person = world.person();
    await person.goes(codes.verification_uri);
    // However it is written.
    await person.submits({ user_code: ` ${codes.user_code.toLowerCase().replace('-', '. ')}` });
    await person.signsIn(account);
    expect(person.heading).toBe('Connect a device');
    await person.submits({ user_code: codes.user_code });
    expect(person.heading).toBe(`Let ${app.name} in on another device?`);
    expect(person.text).toContain(codes.user_code);
    expect(person.text).toContain('This request came from another network than yours.');
    expect(person.text).toContain(account.identifier);
    await person.decides('allow', { scope: ['email', 'offline_access'] });
    expect(person.heading).toBe('You can go back to your device');

    later(6);
    const tokens = await poll(app, codes);
    expect(tokens).toMatchObject({ status: 200, scope: 'openid profile email offline_access' });
    expect(tokens).toHaveProperty('refresh_token');
    const claims = decodeJwt(String(tokens.id_token));
    expect(claims).toMatchObject({ amr: ['pwd'], sub: account.accountId });
    // DF-03: after success it is good for nothing, and what it gave stays.
    expect(await poll(app, codes)).toMatchObject({ status: 400, error: 'invalid_grant' });
    expect((await app.userinfo(String(tokens.access_token))).status).toBe(200);

    const [consent] = await listConsents(world.services, account.accountId);
    expect(consent).toMatchObject({ clientId: app.clientId, declined: [] });
    const events = await listEvents(world.services, { accountId: account.accountId, limit: 20 });
    expect(events.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['device.allowed', 'consent.given']),
    );
    const [message] = await world.outbox();
    expect(message?.subject).toBe(`${app.name} was let into your Latchkey account on another device`);

    // The app's access ends in the account, and with it what the device holds (CO-11).
    await person.goes(`${world.issuer}/account/apps`);
    await person.follows(`Remove access of ${app.name}`);
    await person.presses('Remove access');
    expect((await app.userinfo(String(tokens.access_token))).status).toBe(401);
  });

  it('is told slow_down when it asks too soon, and then waits longer (DF-03)', async () => {
    const app = await openRelyingParty(world, television);
    const codes = await ask(app);
    await world.still(async () => {
      expect((await poll(app, codes)).error).toBe('authorization_pending');
      expect((await poll(app, codes)).error).toBe('slow_down');
      later(6);
      expect((await poll(app, codes)).error).toBe('slow_down');
      later(16);
      expect((await poll(app, codes)).error).toBe('authorization_pending');
    });
    later(600);
    expect((await poll(app, codes)).error).toBe('expired_token');
  });

  it('of twenty questions right after the answer, one gets tokens that work (DF-03)', async () => {
    const [app, account] = [await openRelyingParty(world, television), await world.account()];
    const codes = await ask(app);
    await (await atDevice(codes, account)).decides('allow');
    const answers = await Promise.all(Array.from({ length: 20 }, () => poll(app, codes)));
    const [won, ...more] = answers.filter(({ status }) => status === 200);
    expect(more).toEqual([]);
    expect((await app.userinfo(String(won?.access_token))).status).toBe(200);
    expect(new Set(answers.filter(({ status }) => status !== 200).map(({ error }) => error))).toEqual(
      new Set(['invalid_grant']),
    );
  });

  it('gets a token for an API that it names, with the claims it asks for (RFC 8707)', async () => {
    const identifier = 'https://films.example.test';
    const scopes = [{ name: 'films:read', title: 'See your films' }];
    const added = await registerApi(world.services, { identifier, name: 'Films', scopes });
    expect(added).toMatchObject({ ok: true });
    const app = await openRelyingParty(world, { ...television, resources: [identifier] });
    const account = await world.account();
    const codes = await ask(app, {
      scope: 'openid films:read',
      resource: identifier,
      claims: JSON.stringify({ id_token: { auth_time: { essential: true } } }),
    });
    const person = await atDevice(codes, account);
    expect(person.text).toContain('See your films');
    await person.decides('allow');
    const { access_token, id_token } = await poll(app, codes, { resource: identifier });
    expect(decodeJwt(String(access_token))).toMatchObject({ aud: identifier, scope: 'films:read' });
    expect(decodeJwt(String(id_token))).toHaveProperty('auth_time');
  });

  it('is told access_denied, as often as it asks, when the person says no', async () => {
    const [app, account] = [await openRelyingParty(world, television), await world.account()];
    const codes = await ask(app);
    const person = await atDevice(codes, account);
    await person.decides('deny');
    expect(person.heading).toBe('The device was refused');
    expect((await poll(app, codes)).error).toBe('access_denied');
    expect((await poll(app, codes)).error).toBe('access_denied');
    expect(await listConsents(world.services, account.accountId)).toEqual([]);
  });

  it('belongs to one app: others learn nothing by it, and do not slow it down (DF-07)', async () => {
    const [app, other] = [
      await openRelyingParty(world, television),
      await openRelyingParty(world, { ...television, token_endpoint_auth_method: 'client_secret_basic' }),
    ];
    const codes = await ask(app);
    expect((await poll(other, codes)).error).toBe('invalid_grant');
    const wrong = { authorization: `Basic ${Buffer.from(`${other.clientId}:wrong`).toString('base64')}` };
    const form = { grant_type: grantType, device_code: codes.device_code };
    const answer = await other.posts('token', form, wrong);
    expect(answer.status).toBe(401);
    expect((await poll(app, codes)).error).toBe('authorization_pending');
    const plain = await openRelyingParty(world);
    expect((await poll(plain, codes)).error).toMatch(/unauthorized_client|invalid_request/);
  });
});

describe('the page for codes', () => {
  it('approves nothing by a link, not for who allowed the app before, nor for our own apps (DF-05)', async () => {
    const account = await world.account();
    const person = world.person();
    for (const metadata of [television, { ...television, first_party: true }]) {
      const app = await openRelyingParty(world, metadata);
      const before = await ask(app);
      await (await atDevice(before, account, person)).decides('allow');
      const codes = await ask(app);
      await person.isSentTo(codes.verification_uri_complete);
      expect(person.heading).toBe('Connect a device');
      expect(person.text).toContain('Go on only if the same code stands on your own device right now.');
      expect((await poll(app, codes)).error).toBe('authorization_pending');
      await person.submits({});
      expect(person.heading).toBe(`Let ${app.name} in on another device?`);
      expect(person.text).toContain('Compare the code.');
      // A form of another site is none of ours.
      await person.isSentTo(`${world.issuer}/device/decision`, {
        form: { user_code: codes.user_code, decision: 'allow' },
      });
      expect(person.status).toBe(403);
      later(6);
      expect((await poll(app, codes)).error).toBe('authorization_pending');
    }
  });

  it('has no other addresses: the engine’s own pages are not shown', async () => {
    const person = world.person();
    for (const path of ['/device/anything', `/device/${'a'.repeat(43)}`, '/device/Authorize']) {
      await person.goes(`${world.issuer}${path}`);
      expect([path, person.status, person.heading]).toEqual([path, 404, person.heading]);
    }
  });

  it('says what is wrong with a code: no code, unknown, used, too old', async () => {
    const [app, account] = [await openRelyingParty(world, television), await world.account()];
    const codes = await ask(app);
    const person = await atDevice(codes, account);
    await person.decides('allow');
    const types = async (user_code: string) => {
      await person.goes(codes.verification_uri);
      await person.submits({ user_code });
      return person.alert;
    };
    expect(await types('hello')).toContain('A code has eight letters');
    expect(await types('BBBB-BBBB')).toContain('No device waits with this code');
    expect(await types(codes.user_code)).toContain('This code was answered already');
    const next = await ask(app);
    later(601);
    expect(await types(next.user_code)).toContain('This code is too old');
  });

  it('limits guesses by address, by account, and never those of somebody else (DF-01)', async () => {
    const [app, account] = [await openRelyingParty(world, television), await world.account()];
    const codes = await ask(app);
    const address = newAddress();
    const letters = 'BCDFGHJKLM';
    const guess = async (place: number) => {
      const person = world.person({ address });
      await person.goes(codes.verification_uri);
      await person.submits({ user_code: `ZZZZZZZ${letters[place % 10]}` });
      return person.status;
    };
    const told: number[] = [];
    for (let place = 0; place < 12; place += 1) told.push(await guess(place));
    expect(told).toEqual([...Array<number>(10).fill(400), 429, 429]);
    // Somebody at the same address signs in first and is counted by themselves.
    const person = world.person({ address });
    await person.goes(codes.verification_uri);
    await person.submits({ user_code: codes.user_code });
    expect(person.alert).toContain('Sign in first');
    await person.follows('Sign in first');
    await person.signsIn(account);
    await person.submits({ user_code: codes.user_code });
    expect(person.heading).toBe(`Let ${app.name} in on another device?`);
  });

  it('asks for the second step of an account that has one, and for a sign-in as fresh as the app wants (DF-09)', async () => {
    const app = await openRelyingParty(world, television);
    const totpSecret = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';
    const account = await world.account({ totpSecret });
    const codes = await ask(app);
    const person = await atDevice(codes, account, world.person(), await world.freshCode(totpSecret));
    await person.decides('allow');
    later(6);
    const { id_token } = await poll(app, codes);
    expect(decodeJwt(String(id_token))['amr']).toEqual(expect.arrayContaining(['pwd', 'otp', 'mfa']));

    later(3600);
    const fresh = await ask(app, { max_age: '60' });
    await person.goes(fresh.verification_uri);
    await person.submits({ user_code: fresh.user_code });
    expect(person.heading).toBe('Sign in');
    await person.signsIn({ ...account, code: await world.freshCode(totpSecret) });
    await person.submits({});
    expect(person.heading).toBe(`Let ${app.name} in on another device?`);
  });

  it('lets nobody in to an app that was disabled, nor out of an account that was suspended', async () => {
    const [app, account] = [await openRelyingParty(world, television), await world.account()];
    const person = await atDevice(await ask(app), account);
    await disableClient(world.services, { clientId: app.clientId, reason: 'a test' });
    await person.decides('allow');
    expect(person.alert).toContain('can no longer be allowed');
    const other = await openRelyingParty(world, television);
    const codes = await ask(other);
    const owner = await atDevice(codes, account, world.person());
    await suspendAccount(world.services, { accountId: account.accountId, reason: 'a test' });
    await owner.decides('allow');
    expect(owner.heading).toBe('Sign in');
    later(6);
    expect((await poll(other, codes)).error).toBe('authorization_pending');
  });
});
