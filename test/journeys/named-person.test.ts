import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as jose from 'jose';
import { changeClient } from '../../src/actions/change-client.ts';
import { hours } from '../../src/kit/durations.ts';
import type { Person } from '../support/person.ts';
import { arrivalOf, openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { openWorld, type TestAccount, type World } from '../support/world.ts';

/** Requests that name the person they are about (OpenID Connect Core sections 3.1.2.2 and 5.5.1). */
let world: World;
let app: RelyingParty;
let ana: TestAccount;
let bob: TestAccount;
/** What the app knows Ana by: an ID token of hers, and the name in it. */
let hint: string;
let sub: string;
beforeAll(async () => {
  world = await openWorld();
  app = await openRelyingParty(world, { subject_type: 'pairwise' });
  [ana, bob] = [await world.account(), await world.account()];
  const tokens = await app.signsIn(world.person(), ana);
  hint = String(tokens.id_token);
  sub = String(tokens.claims()?.sub);
  world.advance(2 * hours);
});
afterAll(() => world.close());

const claims = (asked: object) => ({ claims: JSON.stringify(asked) });

async function signedIn(account: TestAccount): Promise<Person> {
  const person = world.person();
  await app.signsIn(person, account);
  return person;
}

async function answerTo(person: Person, params: Record<string, string>, by = app): Promise<string> {
  await person.goes(by.asks(params).url);
  const { searchParams } = person.left ?? new URL('about:blank');
  return searchParams.get('error') ?? (searchParams.has('code') ? 'code' : String(person.heading));
}

const ways: [string, () => Record<string, string>][] = [
  ['an ID token that is over by now', () => ({ id_token_hint: hint })],
  ['a name among the claims', () => claims({ id_token: { sub: { value: sub } } })],
  ['several names', () => claims({ id_token: { sub: { essential: true, values: ['other', sub] } } })],
  ['a name for UserInfo', () => claims({ userinfo: { sub: { value: sub } } })],
];

describe.each(ways)('a request that names somebody by %s', (_, params) => {
  it('is answered for them without a question, and for nobody else', async () => {
    expect(await answerTo(await signedIn(ana), { ...params(), prompt: 'none' })).toBe('code');
    const other = await signedIn(bob);
    expect(await answerTo(other, { ...params(), prompt: 'none' })).toBe('login_required');
    expect(await answerTo(world.person(), { ...params(), prompt: 'none' })).toBe('login_required');
  });

  it('asks who is here to sign in as that person, types nobody in advance, and tells the app when it was another', async () => {
    const person = await signedIn(bob);
    expect(await answerTo(person, params())).toBe('Sign in');
    const typed = person.html.forms.flatMap(({ controls }) =>
      controls.filter(({ name }) => name === 'identifier'),
    );
    expect(typed.map(({ value }) => value)).toEqual(['']);
    await person.signsIn(bob);
    expect(arrivalOf(person).searchParams.get('error')).toBe('login_required');
    expect(arrivalOf(person).searchParams.has('code')).toBe(false);

    const attempt = app.asks(params());
    await person.goes(attempt.url);
    await person.signsIn(ana);
    expect((await app.receives(person, attempt)).claims()?.sub).toBe(sub);
  });
});

it('asked for without a value, sub names nobody', async () => {
  for (const asked of [{ id_token: { sub: null } }, { userinfo: { sub: { essential: true } } }])
    expect(await answerTo(await signedIn(bob), { ...claims(asked), prompt: 'none' })).toBe('code');
});

it('is nobody’s by two names at once', async () => {
  const both = { id_token_hint: hint, ...claims({ id_token: { sub: { value: 'other' } } }) };
  expect(await answerTo(await signedIn(ana), { ...both, prompt: 'none' })).toBe('login_required');
});

describe('an ID token as a hint', () => {
  it('is refused when it is another app’s, changed, or anything else', async () => {
    const other = await openRelyingParty(world);
    const person = await signedIn(ana);
    expect(await answerTo(person, { id_token_hint: hint, prompt: 'none' }, other)).toBe('invalid_request');
    const [head, payload, signature = ''] = hint.split('.');
    const unsigned = Buffer.from('{"alg":"none"}').toString('base64url');
    for (const id_token_hint of [
      `${head}.${payload}.${'A'.repeat(signature.length)}`,
      `${unsigned}.${payload}.`,
      `${head}.a.b.c.d`,
      'x',
      '..',
    ])
      expect(await answerTo(person, { id_token_hint, prompt: 'none' })).toBe('invalid_request');
  });

  it('is shown as it was read: an encrypted one is for the app’s eyes alone, and is taken without its wrapping', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const encrypting = await openRelyingParty(world, {
      jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }), use: 'enc' }] },
      id_token_encrypted_response_alg: 'ECDH-ES',
    });
    const person = world.person();
    const { code, attempt } = await encrypting.getsCode(person, ana);
    const wrapped = String((await encrypting.redeems(code, attempt)).json['id_token']);
    const read = new TextDecoder().decode((await jose.compactDecrypt(wrapped, privateKey)).plaintext);
    const asked = (id_token_hint: string) => answerTo(person, { id_token_hint, prompt: 'none' }, encrypting);
    expect([await asked(wrapped), await asked(read)]).toEqual(['invalid_request', 'code']);
    const leaves = (hint: string) =>
      person.goes(`${encrypting.endpoint('end_session')}?${new URLSearchParams({ id_token_hint: hint })}`);
    expect((await leaves(wrapped)).errorCode).toBe('invalid_request');
    expect((await leaves(read)).heading).toBe('Sign out?');
  });

  it('still is one after the app chose another algorithm, also to sign out with', async () => {
    const choosing = await openRelyingParty(world);
    const person = world.person();
    const { id_token } = await choosing.signsIn(person, ana);
    const changes = { id_token_signed_response_alg: 'EdDSA' };
    await changeClient(world.services, { clientId: choosing.clientId, changes });
    const hinted = { id_token_hint: String(id_token) };
    expect(await answerTo(person, { ...hinted, prompt: 'none' }, choosing)).toBe('code');
    await person.goes(`${choosing.endpoint('end_session')}?${new URLSearchParams(hinted)}`);
    expect(person.heading).toBe('Sign out?');
  });
});
