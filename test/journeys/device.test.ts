import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import { registerApi } from '../../src/actions/register-api.ts';
import { listEvents } from '../../src/audit/list.ts';
import { listConsents } from '../../src/consents/consent.ts';
import { addressDatabaseFile } from '../support/address-database.ts';
import { openRelyingParty } from '../support/relying-party.ts';
import { ask, atDevice, type Codes, grantType, poll, television } from '../support/televisions.ts';
import { openWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

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

  it('gets nothing for a code that was allowed, when the access is removed before it asks (CO-11)', async () => {
    const [app, account] = [await openRelyingParty(world, television), await world.account()];
    const [allowed, waiting] = [await ask(app), await ask(app)];
    const person = await atDevice(world, allowed, account);
    await person.decides('allow');
    await person.goes(`${world.issuer}/account/apps`);
    await person.follows(`Remove access of ${app.name}`);
    await person.presses('Remove access');
    expect(await poll(app, allowed)).toMatchObject({ status: 400, error: 'invalid_grant' });
    // One that nobody answered yet belongs to nobody, and is asked about anew.
    expect((await poll(app, waiting)).error).toBe('authorization_pending');
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
    await (await atDevice(world, codes, account)).decides('allow');
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
    const person = await atDevice(world, codes, account);
    expect(person.text).toContain('See your films');
    await person.decides('allow');
    const { access_token, id_token } = await poll(app, codes, { resource: identifier });
    expect(decodeJwt(String(access_token))).toMatchObject({ aud: identifier, scope: 'films:read' });
    expect(decodeJwt(String(id_token))).toHaveProperty('auth_time');
  });

  it('is told access_denied, as often as it asks, when the person says no', async () => {
    const [app, account] = [await openRelyingParty(world, television), await world.account()];
    const codes = await ask(app);
    const person = await atDevice(world, codes, account);
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
    const sister = await openRelyingParty(world, television);
    for (const one of [other, sister]) expect((await poll(one, codes)).error).toBe('invalid_grant');
    const wrong = { authorization: `Basic ${Buffer.from(`${other.clientId}:wrong`).toString('base64')}` };
    const form = { grant_type: grantType, device_code: codes.device_code };
    const answer = await other.posts('token', form, wrong);
    expect(answer.status).toBe(401);
    expect((await poll(app, codes)).error).toBe('authorization_pending');
    const plain = await openRelyingParty(world);
    expect((await poll(plain, codes)).error).toMatch(/unauthorized_client|invalid_request/);
  });
});

describe('the page that the code leads to', () => {
  it('shows who asks, on what, from where and when, and nothing that who asks could make up (DF-05)', async () => {
    const GEO_DATABASE = addressDatabaseFile([{ network: '203.0.113.0/24', country: 'DE', city: 'Berlin' }]);
    const known = await openWorld({ GEO_DATABASE });
    const app = await openRelyingParty(known, television);
    const account = await known.account();
    const shown = async (userAgent: string, at: string, address: string) => {
      const form = { scope: 'openid', client_id: app.clientId };
      const headers = { 'user-agent': userAgent, 'x-forwarded-for': at };
      const { json } = await app.posts('device_authorization', form, headers);
      return (await atDevice(known, json as Codes, account, known.person({ address }))).text;
    };
    const firefox = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0';
    const far = await shown(firefox, '203.0.113.7', '198.51.100.200');
    for (const said of [
      `Let ${app.name} in on another device?`,
      `Signed in as ${account.identifier}`,
      'Device Firefox on Windows',
      'Its address 203.0.113.7 (Berlin, Germany)',
      'Asked ',
      'This request came from another network than yours.',
      'Allow it only if you started this yourself',
    ])
      expect(far).toContain(said);
    const near = await shown('Your own television, allow it', '198.51.100.201', '198.51.100.201');
    expect(near).toContain('It is on the same network as you.');
    expect(near).toContain('It did not say what it is');
    expect(near).not.toContain('Your own television');
    await known.close();
  });
});
