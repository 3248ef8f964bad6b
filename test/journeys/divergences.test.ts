import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { arrivalOf, openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { payloadOf } from '../support/signatures.ts';
import { newAddress, send } from '../support/wire.ts';
import { openWorld, type TestAccount, type World } from '../support/world.ts';

/** What docs/divergences.md says is not there, and no other file tries. Each stands beside the words that say so. */
const text = readFileSync(path.join(import.meta.dirname, '../../docs/divergences.md'), 'utf8');
let world: World;
let app: RelyingParty;
let account: TestAccount;
beforeAll(async () => {
  world = await openWorld();
  account = await world.account({ profile: { name: 'Ada King', family_name: 'King' } });
  app = await openRelyingParty(world);
});
afterAll(() => world.close());

async function signsIn(params: Record<string, string> = {}) {
  const { id_token, access_token } = await app.signsIn(world.person(), account, params);
  const userinfo = (await app.userinfo(access_token)).json;
  return { idToken: payloadOf(String(id_token)), userinfo };
}

async function reads(address: string, query = '') {
  const headers = { 'x-forwarded-for': newAddress() };
  return send(`${world.issuer}/.well-known/${address}${query}`, { headers });
}

const says = (words: string) => expect(text).toContain(words);

describe('what is said not to be there', () => {
  it.each([
    ['Not: the password grant', { grant_type: 'password', username: 'x', password: 'y' }],
    [
      'Not: JWT bearer grant',
      { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: 'a.b.c' },
    ],
  ])('is refused by name: %s', async (words, form) => {
    says(words);
    const { status, json } = await app.posts('token', form as Record<string, string>);
    expect([status, json['error']]).toEqual([400, 'unsupported_grant_type']);
  });

  it.each([
    ['Not: `response_type=token` (implicit)', 'response_type', 'token', 'unsupported_response_type'],
    ['Not: `response_type=none`', 'response_type', 'none', 'unsupported_response_type'],
    ['`response_mode=web_message` | Not', 'response_mode', 'web_message', 'unsupported_response_mode'],
    ['Not: `plain`', 'code_challenge_method', 'plain', 'invalid_request'],
  ])('is told to the app: %s', async (words, name, value, error) => {
    says(words);
    const arrived = arrivalOf(await world.person().goes(app.asks({ [name]: value }).url));
    const told = arrived.searchParams.get('error') ?? new URLSearchParams(arrived.hash.slice(1)).get('error');
    expect(told).toBe(error);
  });

  it('is not published: WebFinger, signed metadata, front-channel logout, session management', async () => {
    for (const words of [
      'WebFinger); 404',
      'No `signed_metadata`',
      'Front-Channel Logout 1.0, Session Managem',
    ])
      says(words);
    const found = await reads('webfinger', `?resource=${encodeURIComponent(account.identifier)}`);
    expect(found.status).toBe(404);
    const [one, same] = [await reads('openid-configuration'), await reads('oauth-authorization-server')];
    expect(one.json).toEqual(same.json);
    for (const name of Object.keys(one.json))
      expect(name).not.toMatch(/^signed_metadata$|frontchannel|check_session|claims_locales/);
  });

  it('does not stand in tokens and claims: azp, at_hash, claims in other languages, claims from elsewhere', async () => {
    for (const words of ['Not: `azp`, `at_hash`', '`family_name#ja`', 'aggregated and distributed'])
      says(words);
    const claims = JSON.stringify({ userinfo: { 'family_name#ja': null, _claim_names: null } });
    const { idToken, userinfo } = await signsIn({ scope: 'openid profile', claims, claims_locales: 'ja' });
    for (const name of ['azp', 'at_hash', 'name']) expect(idToken).not.toHaveProperty(name);
    expect(userinfo).toMatchObject({ family_name: 'King' });
    expect(Object.keys(userinfo).filter((name) => /#|^_claim/.test(name))).toEqual([]);
  });
});
