import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { disableClient } from '../../src/actions/disable-client.ts';
import { registerClient } from '../../src/actions/register-client.ts';
import { verifyClient } from '../../src/actions/verify-client.ts';
import type { Person } from '../support/person.ts';
import { arrivalOf, openRelyingParty } from '../support/relying-party.ts';
import { openWorld, type World } from '../support/world.ts';

/** Third-party-initiated login (OpenID Connect Core section 4). */
let world: World;
beforeAll(async () => {
  world = await openWorld();
});
afterAll(() => world.close());

const start = 'https://kites.example.test/start?from=idp';
const home = 'https://kites.example.test/home';

async function signedIn(): Promise<Person> {
  const person = world.person();
  await person.goes(`${world.issuer}/account/apps`);
  await person.signsIn(await world.account());
  return person;
}

const opens = (clientId: string) => `${world.issuer}/account/apps/${clientId}/open`;

it('sends a person to where an app registered, with our name and nothing that was not registered', async () => {
  const app = await openRelyingParty(world, { initiate_login_uri: start, client_uri: home });
  const person = world.person();
  await person.goes(app.asks().url);
  await person.signsIn(await world.account());
  await person.decides('allow');
  await person.goes(`${world.issuer}/account/apps`);
  await person.follows(`Open ${app.name}`);
  expect(arrivalOf(person).host).toBe('kites.example.test');
  await person.goes(`${opens(app.clientId)}?target_link_uri=https://evil.example&iss=https://evil.example`);
  const arrived = arrivalOf(person);
  expect(arrived.origin + arrived.pathname).toBe('https://kites.example.test/start');
  expect(Object.fromEntries(arrived.searchParams)).toEqual({
    from: 'idp',
    iss: world.issuer,
    target_link_uri: home,
  });
});

it('names no page of another site, and opens no app that is stopped or has no such address', async () => {
  const elsewhere = { initiate_login_uri: start, client_uri: 'https://other.example.test/' };
  const app = await openRelyingParty(world, elsewhere);
  const person = await signedIn();
  await person.goes(opens(app.clientId));
  expect(arrivalOf(person).searchParams.has('target_link_uri')).toBe(false);
  await disableClient(world.services, { clientId: app.clientId, reason: 'test' });
  await person.goes(opens(app.clientId));
  expect(person.status).toBe(404);
  const without = await openRelyingParty(world);
  await person.goes(opens(without.clientId));
  expect(person.status).toBe(404);
});

it('does not lead a stranger to an app that nobody looked at', async () => {
  const added = await registerClient(world.services, {
    origin: 'open',
    metadata: { redirect_uris: ['https://kites.example.test/cb'], initiate_login_uri: start },
  });
  if (!added.ok) throw new Error('not registered');
  const { clientId } = added.client;
  const person = await signedIn();
  await person.goes(opens(clientId));
  expect(person.status).toBe(404);
  await verifyClient(world.services, { clientId });
  await person.goes(opens(clientId));
  expect(arrivalOf(person).host).toBe('kites.example.test');
});

it('tells people on the consent page that nobody looked at an app, until an operator did', async () => {
  const app = await openRelyingParty(world);
  await world.services.db
    .updateTable('clients')
    .set({ origin: 'open' })
    .where('client_id', '=', app.clientId)
    .execute();
  const person = world.person();
  await person.goes(app.asks().url);
  await person.signsIn(await world.account());
  expect(person.text).toContain('Latchkey has not checked this app');
  await verifyClient(world.services, { clientId: app.clientId });
  await person.goes(app.asks().url);
  expect(person.text).not.toContain('has not checked');
});
