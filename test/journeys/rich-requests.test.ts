import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { registerApi } from '../../src/actions/register-api.ts';
import { arrivalOf, openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { claimsOf, openSigningApp } from '../support/signing-app.ts';
import { send } from '../support/wire.ts';
import { openWorld, type TestAccount, type World } from '../support/world.ts';

/** Permission for one thing rather than for a kind of things (RFC 9396). */
const bank = 'https://bank.example.test';
let world: World;
let app: RelyingParty;
let server: RelyingParty;
let account: TestAccount;
beforeAll(async () => {
  world = await openWorld();
  account = await world.account();
  server = await openRelyingParty(world, { resource_server: [], redirect_uris: [], grant_types: [] });
  const registered = await registerApi(world.services, {
    identifier: bank,
    name: 'Example Bank',
    introspected_by: [server.clientId],
    scopes: [{ name: 'bank:read', title: 'See your balance' }],
    authorization_details_types: [
      {
        type: 'payment',
        title: { en: 'Make one payment', de: 'Eine Zahlung ausführen' },
        fields: [
          { name: 'amount', title: { en: 'Amount', de: 'Betrag' } },
          { name: 'currency', title: 'Currency', values: ['EUR', 'USD'] },
          { name: 'creditors', title: 'To' },
          { name: 'note', title: 'Note', required: false },
        ],
      },
    ],
  });
  expect(registered).toMatchObject({ ok: true });
  app = await openRelyingParty(world, {
    resources: [bank],
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
  });
  while (!(await types())?.includes('payment')) await sleep(20);
});
afterAll(() => world.close());

async function types(): Promise<string[] | undefined> {
  const { json } = await send(`${world.issuer}/.well-known/oauth-authorization-server`);
  return json['authorization_details_types_supported'] as string[] | undefined;
}

const payment = { type: 'payment', amount: '12.50', currency: 'EUR', creditors: ['Anna', 'Ben'] };
const asking = (details: unknown, scope = 'openid offline_access') =>
  app.asks({ scope, resource: bank, authorization_details: JSON.stringify(details) });

async function isAskedBy(attempt: { url: URL }, language = 'en') {
  const person = world.person({ language });
  await person.goes(attempt.url);
  await person.submits({ identifier: account.identifier, password: account.password });
  return person;
}

describe('an app that asks for one payment', () => {
  it('has it shown as what it is, and gets a token that says just that', async () => {
    const attempt = asking([payment]);
    const person = await isAskedBy(attempt, 'de');
    for (const text of ['Eine Zahlung ausführen', 'Example Bank', 'Betrag', '12.50', 'Anna, Ben'])
      expect(person.html.text).toContain(text);
    await person.decides('allow');
    const code = arrivalOf(person).searchParams.get('code') ?? '';
    const { json } = await app.redeems(code, attempt, { resource: bank });
    expect(json['authorization_details']).toEqual([payment]);
    expect(claimsOf(json['access_token'])).toMatchObject({ aud: bank, authorization_details: [payment] });
    expect(await server.introspects(String(json['access_token']))).toMatchObject({
      active: true,
      authorization_details: [payment],
    });
    const refreshed = await app.refreshes(String(json['refresh_token']), { resource: bank });
    expect(refreshed.json['authorization_details']).toEqual([payment]);
    // A token for anything else carries nothing of it.
    const other = await app.refreshes(String(refreshed.json['refresh_token']));
    expect(other.json).not.toHaveProperty('authorization_details');
    const more = { resource: bank, authorization_details: JSON.stringify([{ ...payment, amount: '99' }]) };
    const beyond = await app.refreshes(String(other.json['refresh_token']), more);
    expect(beyond.json['error']).toBe('invalid_authorization_details');
  });

  it('is asked about each time, and not at all when the person says no', async () => {
    const first = asking([payment]);
    const person = await isAskedBy(first);
    await person.decides('allow');
    const second = asking([{ ...payment, amount: '99.00' }]);
    await person.goes(second.url);
    expect(person.left).toBeUndefined();
    expect(person.html.text).toContain('99.00');
    await person.decides('deny');
    expect(arrivalOf(person).searchParams.get('error')).toBe('access_denied');
    await person.goes(`${asking([payment], 'openid').url.href}&prompt=none`);
    expect(arrivalOf(person).searchParams.get('error')).toBe('consent_required');
    // What was allowed once is in no later request.
    const plain = app.asks({ scope: 'openid bank:read', resource: bank });
    await person.goes(plain.url);
    if (!person.left) await person.decides('allow');
    const code = arrivalOf(person).searchParams.get('code') ?? '';
    const { json } = await app.redeems(code, plain, { resource: bank });
    expect(json).not.toHaveProperty('authorization_details');
  });

  it.each<[string, unknown]>([
    ['of an unknown kind', [{ type: 'loan', amount: '1' }]],
    ['without a field', [{ ...payment, amount: undefined }]],
    ['with a field too many', [{ ...payment, hidden: 'x' }]],
    ['with a value that is none', [{ ...payment, currency: 'XXX' }]],
    ['with an object where a text is shown', [{ ...payment, amount: { value: 1 } }]],
    ['with a text that hides', [{ ...payment, creditors: ['a\u202eb'] }]],
    ['that is no list', payment],
    ['beside one of an unknown kind', [payment, { type: 'loan' }]],
    ['of no kind', [{ ...payment, type: undefined }]],
    ['of the kind of all objects', [{ ...payment, type: '__proto__' }]],
    ['that is nothing', [null]],
    ['twenty-one times', Array.from({ length: 21 }, () => payment)],
  ])('is refused one %s', async (_, details) => {
    const person = world.person();
    await person.goes(asking(details).url);
    expect(arrivalOf(person).searchParams.get('error')).toBe('invalid_authorization_details');
  });

  it('may push it, and sign it as a list within its request (sections 3, 9)', async () => {
    const signing = await openSigningApp(world, { resources: [bank] });
    const asked = { resource: bank, scope: 'openid' };
    const pushed = signing.params({ ...asked, authorization_details: JSON.stringify([payment]) });
    const signed = { request: signing.request({ ...asked, authorization_details: [payment] }) };
    for (const form of [pushed, signed]) {
      const code = await signing.getsCode(account, form);
      const { json } = await signing.redeems(code, { resource: bank });
      expect(json['authorization_details']).toEqual([payment]);
    }
    for (const details of [JSON.stringify([{ type: 'loan' }]), '{']) {
      const form = signing.params({ ...asked, authorization_details: details });
      const refused = await signing.posts('/par', { ...signing.assertion(), ...form });
      expect([refused.status, refused.json['error']]).toEqual([400, 'invalid_authorization_details']);
    }
  });

  it('is refused without the API it is for, and when the API is not among its own', async () => {
    const person = world.person();
    await person.goes(app.asks({ authorization_details: JSON.stringify([payment]) }).url);
    expect(arrivalOf(person).searchParams.get('error')).toMatch(/invalid_(target|authorization_details)/);
    const stranger = await openRelyingParty(world);
    await person.goes(
      stranger.asks({ resource: bank, authorization_details: JSON.stringify([payment]) }).url,
    );
    expect(arrivalOf(person).searchParams.get('error')).toMatch(/invalid_(target|authorization_details)/);
  });

  it('is refused for another API than the one that the details belong to', async () => {
    const shop = 'https://shop.example.test';
    await registerApi(world.services, { identifier: shop, name: 'Shop' });
    const both = await openRelyingParty(world, { resources: [bank, shop] });
    const details = { authorization_details: JSON.stringify([payment]) };
    const person = world.person();
    await person.goes(both.asks({ resource: shop, ...details }).url);
    expect(arrivalOf(person).searchParams.get('error')).toBe('invalid_authorization_details');
    await person.goes(both.asks({ resource: bank, ...details }).url);
    expect(person.heading).toBe('Sign in');
  });

  it('may ask for itself, without a person', async () => {
    const { json } = await app.posts('token', {
      grant_type: 'client_credentials',
      resource: bank,
      authorization_details: JSON.stringify([payment]),
    });
    expect(claimsOf(json['access_token'])['authorization_details']).toEqual([payment]);
  });
});
