import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { addAlarm, raiseAlarm } from '../../../src/credentials/alarms.ts';
import type { Person } from '../../support/person.ts';
import { aWhile, carefulAccount, signedInFully } from '../../support/second-steps.ts';
import { send } from '../../support/wire.ts';
import { openWorld, type World } from '../../support/world.ts';
import { ownRoutes } from './own-routes.ts';

/**
 * Every form of the account pages asks for a fresh proof first, and is held back after "It wasn't me" (misuse case MF-15), but
 * for those below: by the table of the router, so that a form that is added is one of these or is decided here.
 */
const open = new Set([
  // They are the proof itself, or the way out.
  '/account/confirm',
  '/account/confirm/method',
  '/account/confirm/options',
  '/account/sign-out',
  '/account/not-me',
  '/account/refused-sign-in/not-me',
  // They make nothing less safe, or ask for what they need by themselves (approve-sign-in.ts, allow-on-another-device.ts).
  '/account/approvals/:id',
  '/account/approvals/:id/refuse',
  '/account/apps/:clientId/remove',
  '/account/devices/:id/rename',
  '/account/devices/:id/remove',
  '/account/devices/remove-all',
  '/account/passkeys/:id/rename',
  '/account/password/strength',
  '/account/profile',
  '/account/requests/:id',
  '/account/sessions/:uid/end',
]);

let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

const posts = () =>
  ownRoutes(world)
    .filter(({ path, methods }) => path.startsWith('/account') && methods.includes('POST'))
    .map(({ path }) => path);
const sensitive = () => posts().filter((path) => !open.has(path));

function answers(person: Person, path: string) {
  return send(`${world.issuer}${path.replace(/:\w+/, 'a'.repeat(22))}`, {
    body: new URLSearchParams({ code: '123456', name: 'x', method: 'totp.x', new_password: 'x' }),
    headers: {
      accept: 'text/html',
      cookie: person.cookieHeader(`${world.issuer}/account`),
      origin: world.issuer,
      'sec-fetch-site': 'same-origin',
      'x-forwarded-for': person.address,
    },
  });
}

describe('a form that changes what protects the account', () => {
  it('is one of those that are known, and there are some', () => {
    expect([...open].filter((path) => !posts().includes(path))).toEqual([]);
    expect(sensitive().length).toBeGreaterThan(12);
  });

  it('leads to the fresh proof, whoever posts it in a session that is a while old', async () => {
    const person = await signedInFully(world, await carefulAccount(world));
    world.advance(aWhile);
    for (const path of sensitive()) {
      const { status, headers } = await answers(person, path);
      expect([path, status, headers.location]).toEqual([
        path,
        303,
        expect.stringMatching(/^\/account\/confirm\?/),
      ]);
    }
  });

  it('does nothing for a day after "It wasn’t me", whatever was proved a moment ago', async () => {
    const account = await carefulAccount(world);
    const person = await signedInFully(world, account);
    const { accountId } = account;
    await raiseAlarm(
      world.services,
      await addAlarm(world.services, { accountId, about: 'password_changed' }),
    );
    for (const path of sensitive()) {
      const { status, text } = await answers(person, path);
      expect([path, status, text.includes('content="changes_on_hold"')]).toEqual([path, 403, true]);
    }
  });
});
