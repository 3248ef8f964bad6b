import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import { newId } from '../../src/kit/secrets.ts';
import { openDatabase } from '../../src/store/database.ts';
import { StoreUnavailable } from '../../src/store/live.ts';
import { migrate } from '../../src/store/migrate.ts';
import type { Database, Tables } from '../../src/store/tables.ts';
import { bumpVersion, readVersions } from '../../src/store/versions.ts';
import { patienceMs } from '../support/patience.ts';
import { databaseKinds, embeddedPlace, openTestDatabase, serverPlace } from '../support/stores.ts';
import { timed } from '../support/timing.ts';

const tables = [
  'apis',
  'accounts',
  'contacts',
  'passwords',
  'totp_credentials',
  'kept_limits',
  'clients',
  'client_secrets',
  'client_logos',
  'consents',
  'audit_events',
  'signing_keys',
  'messages',
  'versions',
] as const satisfies (keyof Tables)[];

/** What every home of the records promises, so that the rooms above need not know on which they are. */
describe.each(databaseKinds)('the records on %s', (kind) => {
  let db: Database;
  let close: () => Promise<void>;
  beforeAll(async () => {
    ({ db, close } = await openTestDatabase(kind));
  });
  afterAll(() => close());

  async function addAccount(id = newId()): Promise<string> {
    await db
      .insertInto('accounts')
      .values({
        id,
        profile: '{}',
        created_at: 1,
        updated_at: 1,
        suspended_at: null,
        suspended_reason: null,
        locked_at: null,
        locked_reason: null,
        signed_out_before: null,
        signed_out_except: null,
      })
      .execute();
    return id;
  }
  function addContact(account_id: string, address: string, verified_at: number | null) {
    const row = { id: newId(), account_id, address, verified_at };
    return db
      .insertInto('contacts')
      .values({ ...row, channel: 'email', written: address, created_at: 1 })
      .execute();
  }

  it('have every table after migrating, and migrating again changes nothing', async () => {
    await migrate(db);
    for (const table of tables) expect(await db.selectFrom(table).selectAll().execute()).toEqual([]);
  });

  it('are migrated once when several start at the same moment', async () => {
    const place = kind === 'sqlite' ? embeddedPlace() : await serverPlace();
    const many = await Promise.all(
      Array.from({ length: 6 }, () => openDatabase({ ...place.at, patient: true })),
    );
    await Promise.all(many.map((one) => migrate(one)));
    const [first] = many;
    const ran = await sql<{ name: string }>`select name from kysely_migration`.execute(first as Database);
    expect(new Set(ran.rows.map((row) => row.name)).size).toBe(ran.rows.length);
    expect(ran.rows.length).toBeGreaterThanOrEqual(6);
    await Promise.all(many.map((one) => one.destroy()));
    await place.remove();
  });

  it('let many claim an address but only one prove it', async () => {
    const accounts = [await addAccount(), await addAccount(), await addAccount()] as const;
    for (const account of accounts) await addContact(account, 'ann@example.com', null);
    const proved = await Promise.allSettled(
      accounts.map((account) =>
        db
          .updateTable('contacts')
          .set({ verified_at: 5 })
          .where('account_id', '=', account)
          .executeTakeFirst(),
      ),
    );
    expect(proved.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected', 'rejected']);
    // A refusal of the records is not the records being away.
    for (const one of proved)
      if (one.status === 'rejected') expect(one.reason).not.toBeInstanceOf(StoreUnavailable);
  });

  it('tell apart the cases of letters, and keep every kind of letter', async () => {
    const account = await addAccount();
    for (const address of ['case@example.com', 'CASE@example.com', 'ünï漢🔑@example.com'])
      await addContact(account, address, 1);
    const found = await db
      .selectFrom('contacts')
      .select('address')
      .where('address', '=', 'ünï漢🔑@example.com')
      .execute();
    expect(found).toEqual([{ address: 'ünï漢🔑@example.com' }]);
  });

  it('give back times and counts as numbers, as large as JavaScript can hold', async () => {
    const largest = Number.MAX_SAFE_INTEGER;
    const returned = await db
      .insertInto('versions')
      .values({ subject: 'large', version: largest })
      .returningAll()
      .executeTakeFirstOrThrow();
    expect(returned).toStrictEqual({ subject: 'large', version: largest });
    const summary = await db
      .selectFrom('versions')
      .where('subject', '=', 'large')
      .select((eb) => [
        eb.fn.countAll<number>().as('count'),
        eb.fn.sum<number>('version').as('sum'),
        eb.fn.max('version').as('max'),
      ])
      .executeTakeFirstOrThrow();
    expect(summary).toStrictEqual({ count: 1, sum: largest, max: largest });
  });

  it('say how many rows a change touched, and return them when asked', async () => {
    await db.insertInto('versions').values({ subject: 'touched', version: 1 }).execute();
    const step = (from: number) =>
      db
        .updateTable('versions')
        .set({ version: from + 1 })
        .where('subject', '=', 'touched')
        .where('version', '=', from)
        .executeTakeFirst();
    expect((await step(1)).numUpdatedRows).toBe(1n);
    expect((await step(1)).numUpdatedRows).toBe(0n);
    const removed = await db
      .deleteFrom('versions')
      .where('subject', '=', 'touched')
      .returning('version')
      .execute();
    expect(removed).toEqual([{ version: 2 }]);
  });

  it('let exactly one of many racing updates through', async () => {
    await db.insertInto('versions').values({ subject: 'race', version: 0 }).execute();
    const results = await Promise.all(
      Array.from({ length: 50 }, () =>
        db
          .updateTable('versions')
          .set({ version: 1 })
          .where('subject', '=', 'race')
          .where('version', '<', 1)
          .executeTakeFirst(),
      ),
    );
    expect(results.filter(({ numUpdatedRows }) => numUpdatedRows === 1n)).toHaveLength(1);
  });

  it('count every change of a subject, also in transactions', async () => {
    await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        n % 2
          ? bumpVersion(db, 'clients')
          : db.transaction().execute(async (tx) => {
              await readVersions(tx);
              await bumpVersion(tx, 'clients');
            }),
      ),
    );
    expect(await readVersions(db)).toMatchObject({ clients: 20 });
  });

  it('undo a transaction that fails, whole, and show nothing of it to others meanwhile', async () => {
    const failed = db.transaction().execute(async (tx) => {
      await tx.insertInto('versions').values({ subject: 'undone', version: 1 }).execute();
      await new Promise((resolve) => setTimeout(resolve, 50));
      throw new Error('changed our mind');
    });
    const [seen] = await Promise.all([
      new Promise((resolve) => setTimeout(resolve, 10)).then(() => readVersions(db)),
      expect(failed).rejects.toThrow('changed our mind'),
    ]);
    expect(seen).not.toHaveProperty('undone');
    expect(await readVersions(db)).not.toHaveProperty('undone');
  });

  it('keep references whole: what belongs to an account goes with it, and nothing belongs to nobody', async () => {
    const account = await addAccount();
    await addContact(account, 'gone@example.com', 1);
    await db.deleteFrom('accounts').where('id', '=', account).execute();
    expect(await db.selectFrom('contacts').selectAll().where('account_id', '=', account).execute()).toEqual(
      [],
    );
    await expect(addContact(newId(), 'nobody@example.com', 1)).rejects.toThrow(/foreign key/i);
  });

  it('fail instead of hanging when a transaction waits for itself', async () => {
    const { error, ms } = await timed(() =>
      db.transaction().execute(async (tx) => {
        await bumpVersion(tx, 'itself');
        // Another connection of PostgreSQL answers this; the one connection of the embedded home is taken.
        await bumpVersion(db, 'itself');
      }),
    );
    expect(error).toBeInstanceOf(StoreUnavailable);
    expect(ms).toBeLessThan(patienceMs + 1000);
    expect(await readVersions(db)).not.toHaveProperty('itself');
  });
});
