import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { layout } from '../../../src/oidc/live-layout.ts';
import { openRelyingParty, type RelyingParty } from '../../support/relying-party.ts';
import { carefulAccount } from '../../support/second-steps.ts';
import { openWorld, type World } from '../../support/world.ts';
import { addressesFor, type HalfDone, tried } from './sweep.ts';

/**
 * Somebody who is signed in, and of whom an app wants something more before it gets a code: no address that there is gives
 * one out meanwhile (misuse case MF-05, as half-done.test.ts has it for who is not signed in).
 */
let world: World;
let ours: RelyingParty;
let strangers: RelyingParty;
beforeAll(async () => {
  world = await openWorld();
  ours = await openRelyingParty(world, { first_party: true });
  strangers = await openRelyingParty(world);
});
afterAll(() => world.close());

const essential = JSON.stringify({ id_token: { acr: { essential: true, value: 'phr' } } });

async function signedIn(app: RelyingParty, params: Record<string, string>): Promise<HalfDone> {
  const account = await carefulAccount(world);
  const person = await world.person().goes(`${world.issuer}/account`);
  await person.submits({ identifier: account.identifier, password: account.password });
  await person.submits({ code: await world.freshCode(account.totpSecret) });
  await person.goes(app.asks(params).url);
  return { account, person, uid: person.path.split('/')[2] ?? '' };
}

describe.each([
  ['a level that they cannot reach', () => signedIn(ours, { claims: essential }), () => ours, 'without'],
  ['their consent', () => signedIn(strangers, {}), () => strangers, 'maybe'],
  ['a fresh sign-in', () => signedIn(ours, { prompt: 'login' }), () => ours, 'allow'],
])('an app that still waits for %s', (_, state, whose, decision) => {
  it('gets no code by any address that there is (MF-05)', async () => {
    const half = await state();
    const app = whose();
    const { live } = world.services;
    const key = layout.interaction(half.uid);
    const [before] = await live.read([key]);
    if (!before) throw new Error('nothing is under way');
    // What would end the session, the password, or is another request, is not the question here.
    const other = /logout|sign-out|sessions|password$|prompt=none|not-me|\/account\//;
    const addresses = addressesFor(world, app, half).filter((one) => !other.test(one));
    expect(addresses.length).toBeGreaterThan(40);
    for (const address of addresses)
      for (const method of ['GET', 'POST'] as const) {
        const { headers } = await tried(world, half, address, method, { decision });
        const arrived = headers.location?.startsWith(app.redirectUri) ? new URL(headers.location) : undefined;
        expect([method, address, arrived?.searchParams.get('code') ?? null]).toEqual([method, address, null]);
        await live.commit([{ do: 'put', key, value: before.value, ttlMs: 3_600_000 }]);
      }
  }, 600_000);
});
