import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  addClient,
  changeClient,
  findClient,
  listClients,
  removeClient,
  rotateClientSecret,
} from '../../clients/registry/registry.ts';
import { verifyClientSecret } from '../../clients/registry/secrets.ts';
import {
  beginRemoval,
  disableClient,
  enableClient,
  isOfEarlierLife,
} from '../../clients/registry/stopped.ts';
import { hours, minutes } from '../../src/kit/durations.ts';
import type { Database } from '../../src/store/tables.ts';
import { readVersions } from '../../src/store/versions.ts';
import { databaseKinds, openTestDatabase, testClock } from '../support/stores.ts';

const metadata = { client_name: 'Photos', redirect_uris: ['https://photos.example/cb'] };

describe.each(databaseKinds)('the register of apps on %s', (kind) => {
  const clock = testClock(1_700_000_000_000);
  let store: { db: Database; close(): Promise<void> };
  beforeAll(async () => {
    store = await openTestDatabase(kind);
  });
  afterAll(() => store.close());
  const context = () => ({ db: store.db, clock });

  async function added(given: Partial<Parameters<typeof addClient>[1]> = {}) {
    const result = await addClient(context(), { metadata, ...given });
    if (!result.ok) throw new Error(JSON.stringify(result));
    return result;
  }

  it('finds what was added, with a secret of 256 bits that is kept as a digest only', async () => {
    const { client, clientSecret = '' } = await added();
    expect(Buffer.from(clientSecret, 'base64url')).toHaveLength(32);
    const found = await findClient(context(), client.clientId);
    expect(found).toEqual(client);
    expect(found?.metadata.client_name).toBe('Photos');
    expect(found?.secrets[0]?.hint).toBe(clientSecret.slice(-4));
    const rows = await store.db.selectFrom('client_secrets').selectAll().execute();
    const records = JSON.stringify([rows, await store.db.selectFrom('clients').selectAll().execute()]);
    expect(records).not.toContain(clientSecret);
    expect(verifyClientSecret({ client }, clientSecret, clock.now())).toBe(true);
    expect(verifyClientSecret({ client }, `${clientSecret}\0`, clock.now())).toBe(false);
    expect(verifyClientSecret({ client }, '', clock.now())).toBe(false);
  });

  it('finds no app by a name that no store keeps', async () => {
    for (const clientId of ['', '\0', 'photos\0', 'x'.repeat(5000)])
      expect(await findClient(context(), clientId)).toBeUndefined();
  });

  it('names an app without a name by its id', async () => {
    const { client } = await added({
      metadata: { redirect_uris: metadata.redirect_uris },
      clientId: 'nameless',
    });
    expect(client.metadata.client_name).toBe('nameless');
  });

  it('gives apps that do not use a secret none', async () => {
    const { client, clientSecret } = await added({
      metadata: { ...metadata, token_endpoint_auth_method: 'none' },
    });
    expect(clientSecret).toBeUndefined();
    expect(client.secrets).toEqual([]);
  });

  it('lets a chosen id be taken once, also by two at the same time', async () => {
    const results = await Promise.all(
      Array.from({ length: 5 }, () => addClient(context(), { metadata, clientId: 'chosen' })),
    );
    expect(results.filter((result) => result.ok)).toHaveLength(1);
    expect(results.filter((result) => !result.ok && result.reason === 'client_id_taken')).toHaveLength(4);
  });

  it.each(['', ' ', 'a b', 'a\u0000', '{a}', '__proto__', 'x'.repeat(129), 'latchkey-account'])(
    'refuses the chosen id %j',
    async (clientId) => {
      expect(await addClient(context(), { metadata, clientId })).toMatchObject({
        reason: 'not_accepted',
        problems: [{ field: 'client_id' }],
      });
    },
  );

  it('tells problems of id, secret and metadata together', async () => {
    const result = await addClient(context(), {
      metadata: { redirect_uris: ['http://a.example/'] },
      clientId: 'a b',
      clientSecret: 'short',
    });
    expect(!result.ok && 'problems' in result && result.problems.map((one) => one.field)).toEqual([
      'client_id',
      'client_secret',
      'redirect_uris[0]',
    ]);
  });

  it('keeps the old secret right for the overlap, and no longer', async () => {
    const { client, clientSecret: old = '' } = await added();
    const { clientId } = client;
    const rotated = await rotateClientSecret(context(), { clientId, overlapMs: 1 * hours });
    if (!rotated.ok) throw new Error(rotated.reason);
    const now = await findClient(context(), clientId);
    if (!now) throw new Error('gone');
    expect(verifyClientSecret({ client: now }, old, clock.now())).toBe(true);
    expect(verifyClientSecret({ client: now }, rotated.clientSecret, clock.now())).toBe(true);
    expect(verifyClientSecret({ client: now }, old, clock.now() + 1 * hours)).toBe(false);
    expect(verifyClientSecret({ client: now }, rotated.clientSecret, clock.now() + 1 * hours)).toBe(true);
  });

  it('never makes an old secret live longer by rotating again', async () => {
    const { client, clientSecret: old = '' } = await added();
    const { clientId } = client;
    await rotateClientSecret(context(), { clientId, overlapMs: 1 * hours });
    await rotateClientSecret(context(), { clientId, overlapMs: 24 * hours });
    const now = await findClient(context(), clientId);
    expect(now && verifyClientSecret({ client: now }, old, clock.now() + 2 * hours)).toBe(false);
  });

  it('ends the old secret at once where it leaked', async () => {
    const { client, clientSecret: old = '' } = await added();
    await rotateClientSecret(context(), { clientId: client.clientId, overlapMs: 0 });
    const now = await findClient(context(), client.clientId);
    expect(now?.secrets).toHaveLength(1);
    expect(now && verifyClientSecret({ client: now }, old, clock.now())).toBe(false);
  });

  it('changes metadata whole, tells whether anything changed, and refuses what it would not add', async () => {
    const { client } = await added();
    const { clientId } = client;
    const same = await changeClient(context(), { clientId, metadata: client.metadata });
    expect(same).toMatchObject({ ok: true, changed: false });
    const changed = await changeClient(context(), {
      clientId,
      metadata: { ...metadata, client_name: 'Pictures' },
    });
    expect(changed).toMatchObject({
      ok: true,
      changed: true,
      client: { metadata: { client_name: 'Pictures' } },
    });
    const refused = await changeClient(context(), {
      clientId,
      metadata: { redirect_uris: ['javascript:x'] },
    });
    expect(refused).toMatchObject({ reason: 'not_accepted' });
    expect(await changeClient(context(), { clientId: 'nobody', metadata })).toMatchObject({
      reason: 'unknown_client',
    });
  });

  it('takes the secrets of an app that becomes public', async () => {
    const { client } = await added();
    await changeClient(context(), {
      clientId: client.clientId,
      metadata: { ...metadata, token_endpoint_auth_method: 'none' },
    });
    expect((await findClient(context(), client.clientId))?.secrets).toEqual([]);
    expect(await rotateClientSecret(context(), { clientId: client.clientId, overlapMs: 0 })).toMatchObject({
      reason: 'uses_no_secret',
    });
  });

  it('disables and enables, and says when there was nothing to do', async () => {
    const { client } = await added();
    expect(await disableClient(context(), client.clientId)).toEqual({ ok: true, changed: true });
    expect(await disableClient(context(), client.clientId)).toEqual({ ok: true, changed: false });
    expect((await findClient(context(), client.clientId))?.disabledAt).toBe(clock.now());
    expect(await enableClient(context(), client.clientId)).toEqual({ ok: true, changed: true });
    expect((await findClient(context(), client.clientId))?.disabledAt).toBeUndefined();
    expect(await disableClient(context(), 'nobody')).toMatchObject({ reason: 'unknown_client' });
  });

  it.each([
    ['at once', 0, 'of the second in which it was stopped', 999],
    ['after a minute', 60_000, 'of the last moments, for clocks differ', 49_999],
  ])('enabled %s, takes what was issued before for dead, up to all %s', async (_, pause, __, last) => {
    const { client } = await added();
    const { clientId } = client;
    clock.advance(minutes - (clock.now() % minutes));
    const stopped = clock.now();
    await disableClient(context(), clientId);
    clock.advance(pause);
    await enableClient(context(), clientId);
    const enabled = await findClient(context(), clientId);
    if (!enabled) throw new Error('it is there');
    expect(isOfEarlierLife(client, stopped)).toBe(false);
    const dead = [-hours, -1, 0, last, last + 1, hours].map((ms) => isOfEarlierLife(enabled, stopped + ms));
    expect(dead).toEqual([true, true, true, true, false, false]);
  });

  it('begins the removal of an app once, which stops it, until it is enabled', async () => {
    const { client } = await added();
    const { clientId } = client;
    await disableClient(context(), clientId);
    const stopped = clock.now();
    clock.advance(1000);
    expect(await beginRemoval(context(), clientId)).toEqual({ ok: true, changed: true });
    expect(await findClient(context(), clientId)).toMatchObject({
      disabledAt: stopped,
      removingSince: stopped + 1000,
    });
    expect(await beginRemoval(context(), clientId)).toEqual({ ok: true, changed: false });
    expect(await beginRemoval(context(), 'nobody')).toMatchObject({ reason: 'unknown_client' });
    await enableClient(context(), clientId);
    expect(await findClient(context(), clientId)).toMatchObject({
      disabledAt: undefined,
      removingSince: undefined,
    });
  });

  it('removes an app with its secrets', async () => {
    const { client } = await added({ clientId: 'short-lived' });
    expect(await removeClient(context(), client.clientId)).toBe(true);
    expect(await removeClient(context(), client.clientId)).toBe(false);
    expect(await findClient(context(), client.clientId)).toBeUndefined();
    const left = await store.db
      .selectFrom('client_secrets')
      .selectAll()
      .where('client_id', '=', client.clientId)
      .execute();
    expect(left).toEqual([]);
    expect((await listClients(context())).map((one) => one.clientId)).not.toContain('short-lived');
  });

  it('marks every change for the other processes', async () => {
    const version = async () => (await readVersions(store.db))['clients'] ?? 0;
    const { client } = await added();
    const { clientId } = client;
    const changes = [
      () => changeClient(context(), { clientId, metadata: { ...metadata, scope: 'openid' } }),
      () => rotateClientSecret(context(), { clientId, overlapMs: 0 }),
      () => disableClient(context(), clientId),
      () => enableClient(context(), clientId),
      () => removeClient(context(), clientId),
    ];
    for (const change of changes) {
      const before = await version();
      await change();
      expect(await version()).toBe(before + 1);
    }
  });
});
