import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { openApp, type Server } from '../../src/app.ts';
import { mustBeTaken, mutated, seeded } from '../support/redirect-uri-mutations.ts';
import { openRelyingParty, type RelyingParty } from '../support/relying-party.ts';
import { newAddress, send } from '../support/wire.ts';
import { openWorld, type World } from '../support/world.ts';

/**
 * The redirect URI of a request against those that are registered (AZ-01, AZ-03): what the engine takes is compared with
 * twenty lines that know no parser. A failure says its seed; REDIRECT_SEED runs it again.
 */
const seed = Number(process.env['REDIRECT_SEED'] ?? Date.now() % 1_000_000_000);
let world: World;
let server: Server;
beforeAll(async () => {
  world = await openWorld();
  server = await openApp(world.services);
});
afterAll(async () => {
  await server.stop();
  await world.close();
});

const lists = {
  web: [
    'https://rp.example.test/cb',
    'https://rp.example.test/cb/deep?tenant=1&x=%2F',
    'https://rp.example.test',
    'https://xn--hser-koa.example.test/cb',
    'http://localhost:3001/cb',
  ],
  native: [
    'http://127.0.0.1/cb',
    'http://[::1]:7000/cb?a=b',
    'http://localhost/back',
    'com.example.app:/cb',
    'https://rp.example.test/app',
  ],
} as const;

async function appOf(kind: keyof typeof lists): Promise<RelyingParty> {
  return openRelyingParty(world, { application_type: kind, redirect_uris: [...lists[kind]] });
}

it.each(['web', 'native'] as const)(
  'is taken letter by letter: 50,000 changed ones of a %s app',
  async (kind) => {
    const { clientId } = await appOf(kind);
    const client = await server.app.provider.Client.find(clientId);
    if (!client) throw new Error('no such app');
    const random = seeded(seed);
    const wrong: object[] = [];
    let taken = 0;
    for (let round = 0; round < 50_000; round += 1) {
      const uri = mutated(random, lists[kind]);
      const expected = mustBeTaken(uri, lists[kind], kind === 'native');
      if (expected) taken += 1;
      if (client.redirectUriAllowed(uri) !== expected) wrong.push({ uri, expected, seed });
    }
    expect(wrong).toEqual([]);
    // Some of each, or nothing was tried.
    expect(taken).toBeGreaterThan(5_000);
    expect(taken).toBeLessThan(45_000);
  },
);

it('decides the same at the authorization endpoint, which leads nowhere when it says no', async () => {
  const random = seeded(seed);
  for (const kind of ['web', 'native'] as const) {
    const app = await appOf(kind);
    for (let round = 0; round < 150; round += 1) {
      const uri = mutated(random, lists[kind]).toWellFormed();
      const { url } = app.asks({ redirect_uri: uri });
      const answer = await send(url, { headers: { 'x-forwarded-for': newAddress(), accept: 'text/html' } });
      const told = { uri, seed, kind };
      if (mustBeTaken(uri, lists[kind], kind === 'native')) {
        expect({ ...told, status: answer.status }).toEqual({ ...told, status: 303 });
        expect(answer.headers.location).toMatch(/^\/interaction\//);
        continue;
      }
      expect({ ...told, status: answer.status }).toEqual({ ...told, status: 400 });
      expect(answer.headers.location).toBeUndefined();
    }
  }
});
