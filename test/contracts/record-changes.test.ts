import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { changeClient, removeClient, rotateClientSecret } from '../../clients/registry/registry.ts';
import { disableClient } from '../../clients/registry/stopped.ts';
import { reinstateAccount, suspendAccount } from '../../src/accounts/account.ts';
import { registerClient } from '../../src/actions/register-client.ts';
import { rotateKeys } from '../../src/oidc/keys/signing-keys.ts';
import { type KnownRecords, openKnownRecords } from '../../src/oidc/known-records.ts';
import { type OpenServices, openServices } from '../../src/services.ts';
import { readSettings } from '../../src/settings.ts';
import { openFaultProxy } from '../support/fault-proxy.ts';
import { timed, until } from '../support/timing.ts';
import type { World } from '../support/world.ts';
import { worldKinds } from '../support/world-kinds.ts';

/** Copies of records in a process, and that they are forgotten when the record changes, in this process or in another. */
describe.each(worldKinds)('what a process keeps of the records on $name', ({ open, name }) => {
  let world: World;
  let other: OpenServices;
  let here: KnownRecords;
  let there: KnownRecords;
  beforeAll(async () => {
    world = await open();
    other = await openServices(readSettings(world.environment));
    here = openKnownRecords(world.services);
    there = openKnownRecords(other);
    await until(() => world.services.changes.heard && other.changes.heard);
  });
  afterAll(async () => {
    await other.close();
    await world.close();
  });

  async function newClient(): Promise<string> {
    const added = await registerClient(world.services, {
      metadata: { redirect_uris: ['https://app.example.test/'] },
    });
    if (!added.ok) throw new Error('no client');
    return added.client.clientId;
  }

  /** Until one reading gives the very copy that the one before it gave. */
  async function untilKept(read: () => Promise<unknown>): Promise<void> {
    await until(async () => {
      const first = await read();
      return first === (await read());
    });
  }

  async function kept(clientId: string): Promise<void> {
    await untilKept(() => here.client(clientId));
    await untilKept(() => there.client(clientId));
  }

  it('is one copy for as long as nothing changes', async () => {
    const clientId = await newClient();
    await kept(clientId);
    const { accountId } = await world.account();
    await untilKept(() => there.account(accountId));
    expect(await there.client('nobody')).toBeUndefined();
  });

  it('is the new app at once where it was changed, and a moment later everywhere', async () => {
    const clientId = await newClient();
    await kept(clientId);
    const metadata = { redirect_uris: ['https://app.example.test/'], client_name: 'Another name' };
    await changeClient(world.services, { clientId, metadata });
    expect((await here.client(clientId))?.metadata.client_name).toBe('Another name');
    await until(async () => (await there.client(clientId))?.metadata.client_name === 'Another name');

    await kept(clientId);
    await rotateClientSecret(world.services, { clientId, overlapMs: 3_600_000 });
    expect((await here.client(clientId))?.secrets).toHaveLength(2);
    await until(async () => (await there.client(clientId))?.secrets.length === 2);

    await kept(clientId);
    await disableClient(other, clientId);
    expect((await there.client(clientId))?.disabledAt).toBeDefined();
    await until(async () => (await here.client(clientId))?.disabledAt !== undefined);

    await kept(clientId);
    await removeClient(other, clientId);
    expect(await there.client(clientId)).toBeUndefined();
    await until(async () => (await here.client(clientId)) === undefined);
  });

  it('is the new account at once where it was changed, and a moment later everywhere', async () => {
    const { accountId } = await world.account();
    await untilKept(() => there.account(accountId));
    await here.account(accountId);
    await suspendAccount(world.services, { accountId, reason: 'test' });
    expect((await here.account(accountId))?.suspendedAt).not.toBeNull();
    await until(async () => (await there.account(accountId))?.suspendedAt !== null);
    await reinstateAccount(other, { accountId });
    expect((await there.account(accountId))?.suspendedAt).toBeNull();
    await until(async () => (await here.account(accountId))?.suspendedAt === null);
  });

  it('is what was there before while a transaction is not over, and also when it comes to nothing', async () => {
    const clientId = await newClient();
    await kept(clientId);
    const { db } = world.services;
    await expect(
      db.transaction().execute(async (tx) => {
        await tx.updateTable('clients').set({ disabled_at: 1 }).where('client_id', '=', clientId).execute();
        throw new Error('not after all');
      }),
    ).rejects.toThrow('not after all');
    expect((await here.client(clientId))?.disabledAt).toBeUndefined();
  });

  it('hears of new signing keys', async () => {
    const told: string[] = [];
    other.changes.listen(({ table }) => told.push(table));
    await rotateKeys(world.services);
    await until(() => told.includes('signing_keys'));
  });

  if (name !== 'SQLite')
    it('keeps nothing while it cannot hear, and hears again by itself', async () => {
      const proxy = await openFaultProxy(String(world.environment['DATABASE_URL']));
      const deaf = await openServices(readSettings({ ...world.environment, DATABASE_URL: proxy.url }));
      try {
        await until(() => deaf.changes.heard);
        const known = openKnownRecords(deaf);
        const clientId = await newClient();
        await untilKept(() => known.client(clientId));
        proxy.strand();
        const { ms } = await timed(() => until(() => !deaf.changes.heard));
        // A word comes four times a second, and three that are missing are enough.
        expect(ms).toBeLessThan(1000);
        await disableClient(world.services, clientId);
        await until(async () => {
          const client = await known.client(clientId).catch(() => undefined);
          return client?.disabledAt !== undefined;
        });
        await until(() => deaf.changes.heard);
        await untilKept(() => known.client(clientId));
      } finally {
        await deaf.close();
        await proxy.close();
      }
    });
});
