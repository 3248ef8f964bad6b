import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { findClient } from '../../clients/registry/registry.ts';
import { disableClient } from '../../src/actions/disable-client.ts';
import { verifyClient } from '../../src/actions/verify-client.ts';
import { asked, manages, posts, registered } from '../support/registration.ts';
import { newAddress, send } from '../support/wire.ts';
import { openWorld, type World } from '../support/world.ts';

/** Apps that look after what they said when they registered themselves (RFC 7592). */
let open: World;

beforeAll(async () => {
  open = await openWorld({ DYNAMIC_REGISTRATION: 'open' });
});
afterAll(() => open.close());

describe('an app that looks after itself', () => {
  it('reads what it said, without its secret', async () => {
    const made = await registered(open);
    const read = await manages(made);
    expect(read.status).toBe(200);
    const { client_secret: _, client_secret_expires_at: __, ...rest } = made;
    expect(read.json).toEqual(rest);
  });

  it('says it anew, with a new token each time: of two with one token, one is heard', async () => {
    const made = await registered(open);
    const { client_id, client_secret } = made;
    const members = { ...asked, client_id, client_secret, client_name: 'Kites 2', first_party: true };
    const changed = await manages(made, { method: 'PUT', members });
    expect(changed).toMatchObject({
      status: 200,
      json: { client_name: 'Kites 2', subject_type: 'pairwise' },
    });
    expect(changed.json['registration_access_token']).not.toBe(made['registration_access_token']);
    expect(await manages(made)).toMatchObject({ status: 401, json: { error: 'invalid_token' } });
    const now = { ...made, ...changed.json } as Record<string, string>;
    const racing = await Promise.all(
      ['A', 'B'].map((client_name) => manages(now, { method: 'PUT', members: { ...members, client_name } })),
    );
    expect(racing.map(({ status }) => status).sort()).toEqual([200, 401]);
    const heard = racing.find(({ status }) => status === 200)?.json as Record<string, string>;
    expect((await findClient(open.services, String(client_id)))?.metadata).toMatchObject({
      client_name: heard['client_name'],
      first_party: false,
    });
  });

  it('loses what it leaves out, or has it as it is by default (RFC 7592 section 2.2), and leaves out no address and no id', async () => {
    const made = await registered(open, {
      ...asked,
      'client_name#de': 'Drachen',
      contacts: ['ops@kites.example.test'],
      post_logout_redirect_uris: ['https://kites.example.test/bye'],
      default_max_age: 100,
      id_token_signed_response_alg: 'ES256',
      scope: 'openid email',
      token_endpoint_auth_method: 'client_secret_post',
    });
    const { client_id } = made;
    for (const [members, error] of [
      [{ client_id }, 'invalid_redirect_uri'],
      [asked, 'invalid_request'],
      ['nothing', 'invalid_client_metadata'],
    ] as const)
      expect(await manages(made, { method: 'PUT', members: members as object })).toMatchObject({
        status: 400,
        json: { error },
      });
    const { redirect_uris } = asked;
    const nulls = { client_uri: null, logo_uri: '', 'client_name#de': null };
    const changed = await manages(made, { method: 'PUT', members: { client_id, redirect_uris, ...nulls } });
    expect(changed.json).toMatchObject({
      redirect_uris,
      client_name: client_id,
      id_token_signed_response_alg: 'RS256',
      token_endpoint_auth_method: 'client_secret_basic',
      post_logout_redirect_uris: [],
    });
    for (const name of ['client_name#de', 'contacts', 'default_max_age', 'scope', 'client_uri'])
      expect(changed.json).not.toHaveProperty([name]);
    expect(changed.status).toBe(200);
  });

  it('keeps its token when what it said is not accepted, and gets a secret when it begins to need one', async () => {
    const made = await registered(open, { ...asked, token_endpoint_auth_method: 'none' });
    expect(made['client_secret']).toBeUndefined();
    const { client_id } = made;
    const wrong = [
      [{ ...asked, client_id, redirect_uris: ['http://a.example/'] }, 'invalid_redirect_uri'],
      [{ ...asked, client_id: 'another' }, 'invalid_request'],
      [{ ...asked, client_id, client_secret: 'guess' }, 'invalid_request'],
      [{ ...asked, client_id, client_id_issued_at: 1 }, 'invalid_request'],
    ] as const;
    for (const [members, error] of wrong)
      expect(await manages(made, { method: 'PUT', members })).toMatchObject({ status: 400, json: { error } });
    const members = { ...asked, client_id, token_endpoint_auth_method: 'client_secret_post' };
    const changed = await manages(made, { method: 'PUT', members });
    expect(changed).toMatchObject({ status: 200, json: { client_secret_expires_at: 0 } });
  });

  it('is not called what we are called after all, in no language (DC-13)', async () => {
    const made = await registered(open);
    const { client_id } = made;
    for (const name of ['client_name', 'client_name#ja']) {
      const members = { ...asked, client_id, [name]: 'Latchkey' };
      const changed = await manages(made, { method: 'PUT', members });
      expect(changed).toMatchObject({ status: 400, json: { error: 'invalid_client_metadata' } });
    }
    expect((await findClient(open.services, String(client_id)))?.metadata.client_name).toBe(
      asked.client_name,
    );
  });

  it('keeps its token when a store goes away while it says itself anew', async () => {
    const made = await registered(open);
    const { client_id } = made;
    // Another sector: the access it has ends with the change, and that is in the live state.
    const members = { ...asked, client_id, sector_identifier_uri: 'https://kites.example.test/list.json' };
    const busy = new DatabaseSync(path.join(String(open.environment['DATA_DIR']), 'live.db'));
    busy.exec('begin immediate');
    const away = await manages(made, { method: 'PUT', members }).finally(() => busy.close());
    expect(away).toMatchObject({ status: 503, json: { error: 'temporarily_unavailable' } });
    expect(away.headers['retry-after']).toBe('2');
    expect((await manages(made)).json['sector_identifier_uri']).toBeUndefined();
    expect(await manages(made, { method: 'PUT', members: { ...asked, client_id } })).toMatchObject({
      status: 200,
    });
  });

  it('is a stranger again when it becomes another than an operator vouched for (DC-13)', async () => {
    const made = await registered(open);
    const clientId = String(made['client_id']);
    const vouched = async () => (await findClient(open.services, clientId))?.verifiedAt !== undefined;
    const says = async (told: Record<string, string>, members: object) =>
      ({
        ...told,
        ...(await manages(told, { method: 'PUT', members: { ...asked, client_id: clientId, ...members } }))
          .json,
      }) as Record<string, string>;
    await verifyClient(open.services, { clientId });
    const now = await says(made, { contacts: ['ops@kites.example.test'] });
    expect(await vouched()).toBe(true);
    await says(now, { client_name: 'Your Bank' });
    expect(await vouched()).toBe(false);
  });

  it('does not have us fetch without end: changes are counted as registrations are', async () => {
    const few = await openWorld({ DYNAMIC_REGISTRATION: 'open', REGISTRATIONS_PER_HOUR: '2' });
    const headers = { 'x-forwarded-for': newAddress() };
    const made = (await posts(few, asked, headers)).json as Record<string, string>;
    const members = { ...asked, client_id: made['client_id'] };
    const put = (told: Record<string, string>) =>
      send(String(made['registration_client_uri']), {
        method: 'PUT',
        body: JSON.stringify(members),
        headers: {
          ...headers,
          'content-type': 'application/json',
          authorization: `Bearer ${told['registration_access_token']}`,
        },
      });
    const second = await put(made);
    expect(second.status).toBe(200);
    const third = await put(second.json as Record<string, string>);
    expect([third.status, third.headers['retry-after']]).toEqual([429, expect.any(String)]);
    // And its token is not spent by that.
    expect((await manages({ ...made, ...second.json } as Record<string, string>)).status).toBe(200);
    await few.close();
  });

  it('removes itself, and is nobody then', async () => {
    const made = await registered(open);
    expect(await manages(made, { method: 'DELETE' })).toMatchObject({ status: 204, text: '' });
    expect(await manages(made)).toMatchObject({ status: 401 });
    expect(await findClient(open.services, String(made['client_id']))).toBeUndefined();
  });

  it('is not another app (DC-01), nor one that an operator stopped', async () => {
    const [one, other] = [await registered(open), await registered(open)];
    const crossed = { ...one, registration_access_token: other['registration_access_token'] as string };
    for (const method of ['GET', 'PUT', 'DELETE'])
      expect(await manages(crossed, { method, members: asked })).toMatchObject({ status: 401 });
    await disableClient(open.services, { clientId: String(one['client_id']), reason: 'test' });
    expect(await manages(one)).toMatchObject({ status: 403 });
  });
});
