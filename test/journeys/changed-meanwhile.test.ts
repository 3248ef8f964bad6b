import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { findClient } from '../../clients/registry/registry.ts';
import { changeClient } from '../../src/actions/change-client.ts';
import { disableClient } from '../../src/actions/disable-client.ts';
import { verifyClient } from '../../src/actions/verify-client.ts';
import { listEvents } from '../../src/audit/list.ts';
import { minutes } from '../../src/kit/durations.ts';
import { asked, manages, registered } from '../support/registration.ts';
import { openWorld, type World } from '../support/world.ts';

/** What an operator does while we fetch what an app has us fetch: the app's host answers when it likes. */
let world: World;
let host: Server;
let origin: string;
let said: Record<string, unknown> = {};
let meanwhile: () => Promise<unknown> = async () => undefined;
let fetched: string[] = [];

beforeAll(async () => {
  host = createServer(async ({ url = '' }, response) => {
    fetched.push(url);
    await meanwhile();
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(said[url]));
  }).listen(0, '127.0.0.1');
  await once(host, 'listening');
  origin = `http://127.0.0.1:${(host.address() as AddressInfo).port}`;
  world = await openWorld({
    DYNAMIC_REGISTRATION: 'open',
    CLIENT_ID_METADATA_DOCUMENTS: 'on',
    ALLOW_LOOPBACK_FETCH: 'on',
  });
});
beforeEach(() => {
  meanwhile = async () => undefined;
  fetched = [];
  said = { '/list': asked.redirect_uris };
});
afterAll(async () => {
  host.close();
  await world.close();
});

const given = { resources: ['https://api.example.test/'] };
const taken = { resources: null };

async function saysAnew(made: Record<string, string>, members: object = {}) {
  const { client_id } = made;
  const list = { sector_identifier_uri: `${origin}/list` };
  return manages(made, { method: 'PUT', members: { ...asked, ...list, client_id, ...members } });
}

/** What the app itself was last recorded to have changed. */
async function recorded(clientId: string): Promise<unknown> {
  const events = await listEvents(world.services, { clientId, types: ['client.updated'], limit: 10 });
  return events.find(({ actor }) => actor === 'client')?.detail['members'];
}

it('gives an app that says itself anew nothing back that an operator took from it meanwhile', async () => {
  const made = await registered(world);
  const clientId = String(made['client_id']);
  await changeClient(world.services, { clientId, changes: given });
  meanwhile = () => changeClient(world.services, { clientId, changes: taken });
  expect(await saysAnew(made, { client_name: 'Kites 2' })).toMatchObject({ status: 200 });
  const metadata = (await findClient(world.services, clientId))?.metadata;
  expect(metadata).toMatchObject({ client_name: 'Kites 2', sector_identifier_uri: `${origin}/list` });
  expect(metadata?.resources).toBeUndefined();
  expect(await recorded(clientId)).toEqual(expect.not.arrayContaining(['resources']));
  // The list that was fetched is not fetched again.
  expect(fetched).toEqual(['/list']);
});

it('leaves nothing vouched for that was said while an operator vouched for what was there before', async () => {
  const made = await registered(world);
  const clientId = String(made['client_id']);
  meanwhile = () => verifyClient(world.services, { clientId });
  expect(await saysAnew(made, { client_name: 'Your Bank' })).toMatchObject({ status: 200 });
  expect(await findClient(world.services, clientId)).toMatchObject({
    verifiedAt: undefined,
    metadata: { client_name: 'Your Bank' },
  });
  expect(await recorded(clientId)).toContain('verified');
});

it('hears no app that an operator stopped meanwhile, and leaves it its token', async () => {
  const made = await registered(world);
  const clientId = String(made['client_id']);
  meanwhile = () => disableClient(world.services, { clientId, reason: 'test' });
  expect(await saysAnew(made, { client_name: 'Kites 3' })).toMatchObject({ status: 403 });
  expect((await findClient(world.services, clientId))?.metadata.client_name).toBe('Kites');
  expect(await manages(made)).toMatchObject({ status: 403 });
});

it('keeps what an app said while an operator’s own change was under way', async () => {
  const made = await registered(world);
  const clientId = String(made['client_id']);
  meanwhile = async () => {
    meanwhile = async () => undefined;
    await manages(made, {
      method: 'PUT',
      members: { ...asked, client_id: clientId, client_name: 'Kites 4' },
    });
  };
  const changes = { company: 'Paperplane', sector_identifier_uri: `${origin}/list` };
  expect(await changeClient(world.services, { clientId, changes })).toMatchObject({ ok: true });
  expect((await findClient(world.services, clientId))?.metadata).toMatchObject({
    ...changes,
    client_name: 'Kites 4',
  });
});

it('gives an app that is a document nothing back either, nor an operator’s word', async () => {
  const clientId = `${origin}/app.json`;
  const document = { ...asked, client_id: clientId };
  const asks = async () => {
    const query = new URLSearchParams({ client_id: clientId, response_type: 'code', scope: 'openid' });
    await world.person().goes(`${world.issuer}/authorize?${query}`);
  };
  said['/app.json'] = document;
  await asks();
  await changeClient(world.services, { clientId, changes: given });
  said['/app.json'] = { ...document, client_name: 'Your Bank' };
  world.advance(16 * minutes);
  meanwhile = async () => {
    await changeClient(world.services, { clientId, changes: taken });
    await verifyClient(world.services, { clientId });
  };
  await asks();
  const client = await findClient(world.services, clientId);
  expect(client).toMatchObject({ verifiedAt: undefined, metadata: { client_name: 'Your Bank' } });
  expect(client?.metadata.resources).toBeUndefined();
});
