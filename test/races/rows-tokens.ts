import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { readLoneToken } from '../../src/oidc/record-forms.ts';
import type { LiveKey } from '../../src/store/live.ts';
import { assertionOf, signJwt } from '../support/assertion.ts';
import { jsonOf, newAddress, redirected } from './last-byte.ts';
import {
  type App,
  authorizationRequest,
  byApp,
  firstParty,
  memberOf,
  newApp,
  newCode,
  ourApp,
  redemption,
  refreshing,
} from './people.ts';
import { type KeysByPartition, primitive } from './primitive.ts';
import type { RaceWorld } from './race-world.ts';
import { besides, tokenOf, whatLives } from './tokens.ts';

/** What apps may use once: codes, refresh tokens, pushed requests and the names of their proofs. */
const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const otherPair = generateKeyPairSync('ec', { namedCurve: 'P-256' });

/** A proof for the token endpoint, good once (RFC 9449 section 4.2). */
function proofOf({ issuer }: RaceWorld, { publicKey, privateKey }: typeof pair): string {
  const claims = {
    jti: randomUUID(),
    iat: Math.floor(Date.now() / 1000),
    htm: 'POST',
    htu: `${issuer}/token`,
  };
  const jwk = publicKey.export({ format: 'jwk' });
  return signJwt({ typ: 'dpop+jwt', alg: 'ES256', jwk }, claims, privateKey);
}

const authorizationCode = primitive({
  name: 'authorization code',
  uses: 20,
  most: 1,
  async make(world, slot) {
    const [app, member] = [await ourApp(world), await memberOf(world, slot)];
    return { app, accountId: member.accountId, code: await newCode(world, member, app) };
  },
  use: ({ app, code }) => ({ request: redemption(app, code) }),
  wins: (answer) => tokenOf(answer, 'access_token'),
  losers: [{ status: 400, error: 'invalid_grant' }],
  effects: async (_world, { code }, keys) => besides(code, 'a', keys),
  alarm: 'once',
  // A code that came twice takes with it what it gave (RFC 6749 section 4.1.2).
  after: async (world, _artefact, answers) =>
    (await Promise.all(answers.map((answer) => whatLives(world, answer)))).flat(),
});

/** A refresh token under a grant of its own. */
async function newRefreshToken(world: RaceWorld, slot: number) {
  const [app, member] = [await ourApp(world), await memberOf(world, slot)];
  const code = await newCode(world, member, app, 'openid offline_access');
  const token = tokenOf(await world.nodes[0].ask(redemption(app, code)), 'refresh_token');
  if (!token) throw new Error('no refresh token');
  return { app, accountId: member.accountId, token };
}

/** Asks for another with a token; what it gave, or the status. */
async function refreshed(world: RaceWorld, app: App, token: string): Promise<string> {
  const answer = await world.nodes[1].ask(refreshing(app, token));
  return tokenOf(answer, 'refresh_token') || String(answer.status);
}

const refreshToken = primitive({
  name: 'refresh token',
  uses: 20,
  most: 1,
  make: newRefreshToken,
  use: ({ app, token }) => ({ request: refreshing(app, token) }),
  // Honest repetitions at the same moment get the same successor: decision 0017.
  wins: (answer) => tokenOf(answer, 'refresh_token'),
  losers: [{ status: 400, error: 'invalid_grant' }],
  // One more than the race left: the one that is given below.
  effects: async (_world, { token }, keys) => Math.max(0, besides(token, 'r', keys) - 1),
  // Not in the race, and once after it.
  alarm: 'once',
  // Once the successor was used, the first one is nobody's honest repetition, and all of the family ends.
  after: async (world, { app, token }, answers) => {
    const [next] = answers.map((answer) => tokenOf(answer, 'refresh_token')).filter((one) => one !== false);
    if (!next) return [];
    const last = await refreshed(world, app, next);
    const told = [last, await refreshed(world, app, token), await refreshed(world, app, last)];
    const right = last.length > 3 && told[1] === '400' && told[2] === '400';
    return right
      ? []
      : [`the successor, the first and the last were told ${told.map((one) => one.slice(0, 3))}`];
  },
});

const otherHands = primitive({
  name: 'refresh token (in two hands)',
  uses: 20,
  most: 1,
  async make(world, slot) {
    return { ...(await newRefreshToken(world, slot)), keys: [pair, otherPair] };
  },
  use({ app, token, keys }, place, world) {
    const { path, headers, form } = refreshing(app, token);
    const key = keys[Math.floor(place / 2) % 2] as typeof pair;
    return {
      request: { path, headers: { ...headers, dpop: proofOf(world, key) }, ...(form ? { form } : {}) },
    };
  },
  wins: (answer) => tokenOf(answer, 'refresh_token'),
  losers: [{ status: 400, error: 'invalid_grant' }],
  effects: async (_world, { token }, keys) => besides(token, 'r', keys),
  alarm: 'once',
  after: async (world, { app }, answers) => {
    const given = answers.map((answer) => tokenOf(answer, 'refresh_token')).filter((one) => one !== false);
    const told = await Promise.all([...new Set(given)].map((one) => refreshed(world, app, one)));
    return told.filter((one) => one !== '400').map(() => 'the family lives on');
  },
});

const pushedRequest = primitive({
  name: 'PAR request_uri',
  uses: 20,
  most: 1,
  async make(world, slot) {
    const [app, member] = [await ourApp(world), await memberOf(world, slot)];
    // The grant that all of the codes would be under is new, so that what is under it is of this round.
    const code = await newCode(world, member, app);
    const pushed = await world.nodes[0].ask(byApp(app, '/par', authorizationRequest(app)));
    const requestUri = String(jsonOf(pushed)['request_uri']);
    return { app, member, accountId: member.accountId, code, requestUri };
  },
  use: ({ app, member, requestUri }) => {
    const query = new URLSearchParams({ client_id: app.clientId, request_uri: requestUri });
    return { request: member.browser.request(`/authorize?${query}`) };
  },
  wins: (answer) => redirected(answer, 'code') ?? false,
  losers: [{ status: 400 }, { status: 303, error: 'invalid_request_uri' }],
  effects: async (_world, { code }, keys) => besides(code, 'c', keys),
  alarm: 'never',
});

/** Tokens that belong to no grant, by the app they were given to: each round has an app of its own. */
async function tokensOf(world: RaceWorld, { clientId }: App, keys: KeysByPartition): Promise<number> {
  const seen = await world.once('tokens without a grant', async () => new Map<string, string>());
  const [{ live }] = world.desks;
  for (const [, [key]] of keys) {
    if (!key?.endsWith('}:k') || seen.has(key)) continue;
    const [entry] = await live.read([key as LiveKey]);
    if (entry) seen.set(key, String(readLoneToken(entry.value, 'k').clientId));
  }
  return [...seen.values()].filter((one) => one === clientId).length;
}

const clientAssertion = primitive({
  name: 'client assertion jti',
  uses: 20,
  most: 1,
  async make(world) {
    const app = await newApp(world, {
      ...firstParty,
      grant_types: ['client_credentials'],
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [{ ...pair.publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'ES256', use: 'sig' }] },
    });
    const proof = assertionOf({
      clientId: app.clientId,
      audience: world.issuer,
      privateKey: pair.privateKey,
    });
    return { app, proof };
  },
  use: ({ proof }) => ({
    request: {
      path: '/token',
      headers: { 'x-forwarded-for': newAddress() },
      form: { grant_type: 'client_credentials', ...proof },
    },
  }),
  wins: (answer) => tokenOf(answer, 'access_token'),
  losers: [{ status: 401, error: 'invalid_client' }],
  effects: (world, { app }, keys) => tokensOf(world, app, keys),
  alarm: 'never',
});

const dpopProof = primitive({
  name: 'DPoP jti',
  uses: 20,
  most: 1,
  async make(world) {
    const app = await newApp(world, { ...firstParty, grant_types: ['client_credentials'] });
    return { app, dpop: proofOf(world, pair) };
  },
  use: ({ app, dpop }) => ({
    request: {
      path: '/token',
      headers: { ...app.basic, dpop, 'x-forwarded-for': newAddress() },
      form: { grant_type: 'client_credentials' },
    },
  }),
  wins: (answer) => tokenOf(answer, 'access_token'),
  // RFC 9449 section 5 has a name of its own for it; the engine says this.
  losers: [{ status: 400, error: 'invalid_grant' }],
  effects: (world, { app }, keys) => tokensOf(world, app, keys),
  alarm: 'never',
});

export const tokenRows = [
  authorizationCode,
  refreshToken,
  otherHands,
  pushedRequest,
  clientAssertion,
  dpopProof,
];
