import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { disableClient } from '../../clients/registry/stopped.ts';
import { suspendAccount } from '../../src/accounts/account.ts';
import { registerClient } from '../../src/actions/register-client.ts';
import { listKeys, retireKey, rotateKeys } from '../../src/oidc/keys/signing-keys.ts';
import { openKnownRecords } from '../../src/oidc/known-records.ts';
import type { RecordChange } from '../../src/store/record-changes.ts';
import { lookEveryMs } from '../../src/store/sqlite-changes.ts';
import { until } from '../support/timing.ts';
import { send } from '../support/wire.ts';
import { openWorld, type World } from '../support/world.ts';
import { worldKinds } from '../support/world-kinds.ts';

/**
 * That a change is heard of, and not found some time later: beside the world stands a process whose timers are stopped, so that nothing
 * that looks now and then ever looks. PostgreSQL needs none to tell; the embedded records are looked at by one, which is let go on
 * by what it promises. No time is measured, so none depends on the machine.
 */
describe.each(worldKinds)('a change, in another process on $name', ({ open, name }) => {
  let world: World;
  let beside: World;
  /** What was told there, and `beat` for each word that the connection sends itself. */
  const heard: (RecordChange | 'beat')[] = [];
  beforeAll(async () => {
    world = await open();
    // Those of node:timers/promises go on: the tests' own, and the beats.
    jest.useFakeTimers({
      doNotFake: ['Date', 'hrtime', 'nextTick', 'performance', 'queueMicrotask', 'setImmediate'],
    });
    beside = await openWorld({}, { beside: world });
    const { changes } = beside.services;
    changes.listen((change) => void heard.push(change));
    const { hear } = changes;
    changes.hear = (now) => {
      if (now) heard.push('beat');
      hear(now);
    };
    goOn();
    await until(() => changes.heard);
  });
  afterAll(async () => {
    jest.useRealTimers();
    await beside?.close();
    await world?.close();
  });
  beforeEach(() => {
    heard.length = 0;
  });

  /** Time for one look at the embedded records, and for nothing else. */
  function goOn(): void {
    if (name === 'SQLite') jest.advanceTimersByTime(lookEveryMs);
  }

  /** Does the change, and waits until what comes of it is there: told by itself, before the connection had two words with itself. */
  async function arrives(change: () => Promise<unknown>, isThere: () => Promise<boolean>): Promise<void> {
    // A look that was under way at this moment might come too early.
    goOn();
    await until(() => world.services.changes.heard && beside.services.changes.heard);
    heard.length = 0;
    await change();
    const acknowledged = heard.length;
    // Again where a look was still under way, for then nothing waited for that time.
    await until(() => {
      goOn();
      return isThere();
    });
    const told = heard.findIndex((one) => one !== 'beat');
    expect(told).toBeGreaterThanOrEqual(0);
    // One may have been on its way before the change was.
    expect(told - acknowledged).toBeLessThan(3);
  }

  /** Until one reading gives the very copy that the one before it gave. */
  async function kept(read: () => Promise<unknown>): Promise<void> {
    goOn();
    await until(async () => {
      const first = await read();
      return first === (await read());
    });
  }

  const published = async (by: World) => {
    const { json } = await send(`${world.issuer}/jwks`, { port: by.port });
    return (json as { keys: { kid: string }[] }).keys.map(({ kid }) => kid);
  };

  it('of an app arrives by itself', async () => {
    const known = openKnownRecords(beside.services);
    const added = await registerClient(world.services, {
      metadata: { redirect_uris: ['https://app.example.test/'] },
    });
    if (!added.ok) throw new Error('no client');
    const { clientId } = added.client;
    await kept(() => known.client(clientId));
    await arrives(
      () => disableClient(world.services, clientId),
      async () => (await known.client(clientId))?.disabledAt !== undefined,
    );
  });

  it('of an account arrives by itself', async () => {
    const known = openKnownRecords(beside.services);
    const { accountId } = await world.account();
    await kept(() => known.account(accountId));
    await arrives(
      () => suspendAccount(world.services, { accountId, reason: 'test' }),
      async () => (await known.account(accountId))?.suspendedAt !== null,
    );
  });

  it('of the signing keys arrives by itself: a new one is published, one that leaked is not', async () => {
    const [leaked = ''] = (await listKeys(world.services)).map(({ kid }) => kid);
    expect(await published(beside)).toContain(leaked);
    let added: string[] = [];
    await arrives(
      async () => {
        added = (await rotateKeys(world.services, { only: 'ES256' })).kids;
      },
      async () => (await published(beside)).includes(String(added[0])),
    );
    await arrives(
      () => retireKey(world.services, { kid: leaked, replace: true }),
      async () => !(await published(beside)).includes(leaked),
    );
  });
});

it('is looked for in the embedded records often enough to be known within 100 ms', () => {
  expect(lookEveryMs).toBeLessThanOrEqual(50);
});
