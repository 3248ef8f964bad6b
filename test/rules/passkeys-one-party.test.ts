import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { preferSecondStep } from '../../src/actions/prefer-second-step.ts';
import { source } from '../support/account-in-use.ts';
import { aPasskey } from '../support/passkeys.ts';
import type { Person } from '../support/person.ts';
import { atSecondStep, aWhile, carefulAccount, signedInFully } from '../support/second-steps.ts';
import { SoftwareAuthenticator } from '../support/software-authenticator.ts';
import type { TestServices } from '../support/stores.ts';
import { send } from '../support/wire.ts';
import { openWorld, type World } from '../support/world.ts';

/** A site whose passkeys are those of the domain above it (RP_ID) and of other sites of its owner (WEBAUTHN_ORIGINS). */
const issuer = 'https://id.example.com';
const shop = 'https://shop.example.net';
let world: World;
beforeAll(async () => {
  world = await openWorld({
    ISSUER: issuer,
    RP_ID: 'example.com',
    WEBAUTHN_ORIGINS: shop,
    SMTP_URL: 'smtp://127.0.0.1:9',
  });
});
afterAll(() => world.close());

/** What the page's script does. */
function fetches(person: Person, path: string, fields: Record<string, string> = {}) {
  return send(new URL(path, issuer), {
    port: world.port,
    body: new URLSearchParams(fields),
    headers: {
      accept: 'application/json',
      cookie: person.cookieHeader(`${issuer}${path}`),
      origin: issuer,
      'sec-fetch-site': 'same-origin',
      'x-forwarded-for': person.address,
    },
  });
}

type Options = { challenge: string; rpId?: string; rp?: { id: string } };
async function partyAt(person: Person, path: string): Promise<string | undefined> {
  const { json } = await fetches(person, path);
  const { rpId, rp } = json['options'] as Options;
  return rpId ?? rp?.id;
}

describe('one relying-party id', () => {
  it('stands on every page that asks a browser for a passkey or has one made', async () => {
    const start = await world.person().goes(`${issuer}/account`);
    const careful = await carefulAccount(world);
    const settled = await signedInFully(world, careful);
    const makes = ['/account/passkeys/new/options', '/account/passkeys/new-key/options'];
    for (const path of makes) expect([path, await partyAt(settled, path)]).toEqual([path, 'example.com']);
    const { passkey } = await aPasskey(world.services as unknown as TestServices, careful.accountId);
    const method = `passkey.${passkey.id}`;
    await preferSecondStep(world.services, { ...careful, sessionUid: 'x', method }, source);
    const half = await atSecondStep(world, careful);
    world.advance(aWhile);
    await settled.goes(`${issuer}/account/two-step/off`);
    const offered = await world.person().goes(`${issuer}/account`);
    await fetches(offered, `${offered.path}/passkey/options`, { can: 'offer' });
    await offered.signsIn(await world.account());
    const fresh = await atSecondStep(world, careful);
    expect(half.heading).toBe('Two-step verification');
    for (const [person, path] of [
      [start, `${start.path}/passkey/options`],
      [fresh, `${fresh.path}/second-step/options`],
      [offered, `${offered.path}/passkey-offer/options`],
      [settled, '/account/confirm/options'],
    ] as const)
      expect([path, await partyAt(person, path)]).toEqual([path, 'example.com']);
  });

  it('is said to browsers with every site that may use it', async () => {
    const { json, headers } = await send(`${issuer}/.well-known/webauthn`, { port: world.port });
    expect(json).toEqual({ origins: [issuer, shop] });
    expect(headers['cross-origin-resource-policy']).toBe('cross-origin');
    const endpoints = await send(`${issuer}/.well-known/passkey-endpoints`, { port: world.port });
    expect(endpoints.json).toMatchObject({ manage: `${issuer}/account/passkeys` });
  });

  it('is others’ too: no password manager is told that a key of theirs is unknown', async () => {
    const person = await world.person().goes(`${issuer}/account`);
    const { json } = await fetches(person, `${person.path}/passkey/options`);
    const theirs = new SoftwareAuthenticator({ origin: issuer });
    const response = theirs.assert(json['options'] as Options);
    const answer = await fetches(person, `${person.path}/passkey`, { response });
    expect([answer.status, answer.text.includes('no longer known here')]).toEqual([400, true]);
    expect(answer.text).not.toContain(theirs.id);
  });
});
