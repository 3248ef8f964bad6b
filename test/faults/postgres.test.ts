import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { newId, newSecret } from '../../src/kit/secrets.ts';
import { openServices } from '../../src/services.ts';
import { readSettings } from '../../src/settings.ts';
import { openDatabase } from '../../src/store/database.ts';
import { StoreUnavailable } from '../../src/store/live.ts';
import { migrate } from '../../src/store/migrate.ts';
import type { Database } from '../../src/store/tables.ts';
import { bumpVersion, readVersions } from '../../src/store/versions.ts';
import { type FaultProxy, openFaultProxy } from '../support/fault-proxy.ts';
import { startKeepingPostgres } from '../support/keeping-servers.ts';
import type { TestServer } from '../support/servers.mjs';
import { testFolder } from '../support/stores.ts';
import { timed, untilWorks } from '../support/timing.ts';

describe('the records while PostgreSQL is in trouble', () => {
  let postgres: TestServer;
  let proxy: FaultProxy;
  let db: Database;
  beforeAll(async () => {
    postgres = await startKeepingPostgres();
    const patient = await openDatabase({ url: postgres.url, dataDir: '', patient: true });
    await migrate(patient);
    await patient.destroy();
    proxy = await openFaultProxy(postgres.url);
    db = await openDatabase({ url: proxy.url, dataDir: '' });
  });
  afterAll(async () => {
    await db.destroy();
    await proxy.close();
    await postgres.stop();
  });

  /** More than the pool has connections, in and out of transactions. */
  async function expectUnavailable(): Promise<void> {
    const calls = Array.from({ length: 12 }, () => [
      () => readVersions(db),
      () => db.transaction().execute((tx) => bumpVersion(tx, 'refused')),
    ]).flat();
    const ended = await Promise.all(calls.map(timed));
    for (const { error } of ended) expect(error).toBeInstanceOf(StoreUnavailable);
    expect(Math.max(...ended.map(({ ms }) => ms))).toBeLessThan(1000);
  }
  const fillPool = () => Promise.all(Array.from({ length: 12 }, () => readVersions(db)));

  it('says so within a second when it is killed, comes back by itself, and has what it acknowledged', async () => {
    await bumpVersion(db, 'acknowledged');
    await fillPool();
    await postgres.kill();
    try {
      // Its sessions outlive it by a moment.
      await untilWorks(5000, () => expect(readVersions(db)).rejects.toThrow());
      for (let times = 0; times < 3; times += 1) await expectUnavailable();
    } finally {
      await postgres.restart();
    }
    const { value, ms } = await untilWorks(5000, () => readVersions(db));
    expect(value).toMatchObject({ acknowledged: 1 });
    expect(ms).toBeLessThan(3000);
  });

  it('says so within a second when it falls silent, and comes back by itself', async () => {
    await fillPool();
    proxy.silence(true);
    try {
      for (let times = 0; times < 3; times += 1) await expectUnavailable();
    } finally {
      proxy.silence(false);
    }
    const { ms } = await untilWorks(5000, () => fillPool());
    expect(ms).toBeLessThan(3000);
    expect(await readVersions(db)).not.toHaveProperty('refused');
  });

  it('gives up connections that went dead, and makes new ones', async () => {
    await fillPool();
    proxy.strand();
    await Promise.allSettled(Array.from({ length: 20 }, () => readVersions(db)));
    // A dozen connections are made anew, by a server that may be busy: not without end, and nobody restarts anything.
    const { ms } = await untilWorks(5000, () => fillPool());
    expect(ms).toBeLessThan(3000);
  });

  it('does not let one locked table stop the others', async () => {
    const locker = new pg.Client({ connectionString: postgres.url });
    await locker.connect();
    await locker.query('begin');
    await locker.query('lock table clients in access exclusive mode');
    const [locked, others] = await Promise.all([
      timed(() => db.selectFrom('clients').selectAll().execute()),
      timed(() => readVersions(db)),
    ]);
    expect(locked.error).toBeInstanceOf(StoreUnavailable);
    expect(locked.ms).toBeLessThan(1000);
    expect(others.error).toBeUndefined();
    await locker.query('rollback');
    await locker.end();
    expect(await db.selectFrom('clients').selectAll().execute()).toEqual([]);
  });

  it('knows in time that a transaction is kept when the reply to its commit is lost', async () => {
    // As long as a new connection may take on a busy machine.
    const inTime = await openDatabase({ url: proxy.url, dataDir: '', timeoutMs: 20_000 });
    const cutsBefore = proxy.cuts();
    for (let round = 0; round < 30; round += 1) {
      const subject = newId();
      proxy.cutReplyTo('commit');
      await inTime.transaction().execute((tx) => bumpVersion(tx, subject));
      expect(await readVersions(inTime)).toMatchObject({ [subject]: 1 });
    }
    expect(proxy.cuts() - cutsBefore).toBe(30);
    await inTime.destroy();
  });

  it('does not hang when it goes away with the reply to a commit, and says afterwards that it was kept', async () => {
    const subject = newId();
    proxy.cutReplyTo('commit', 'silence');
    const { ms, error } = await timed(() => db.transaction().execute((tx) => bumpVersion(tx, subject)));
    expect(ms).toBeLessThan(1000);
    const isKept = whetherKept(error);
    await expect(isKept()).rejects.toThrow(StoreUnavailable);
    proxy.silence(false);
    expect((await untilWorks(3000, isKept)).value).toBe(true);
    expect((await untilWorks(3000, () => readVersions(db))).value).toMatchObject({ [subject]: 1 });
  });

  it('does not say what became of a transaction before it is over', async () => {
    const subject = newId();
    const held = proxy.hold('commit', 0);
    const { ms, error } = await timed(() => db.transaction().execute((tx) => bumpVersion(tx, subject)));
    expect([ms < 1000, held.happened()]).toEqual([true, true]);
    const isKept = whetherKept(error);
    await expect(isKept()).rejects.toThrow(StoreUnavailable);
    await held.letThrough();
    expect((await untilWorks(3000, isKept)).value).toBe(true);
  });

  it('says that a transaction is not kept whose commit never came', async () => {
    const subject = newId();
    const held = proxy.hold('commit', 0);
    const posted = timed(() => db.transaction().execute((tx) => bumpVersion(tx, subject)));
    const other = new pg.Client({ connectionString: postgres.url });
    await other.connect();
    await untilWorks(3000, async () => {
      const idle = `select pg_terminate_backend(pid) from pg_stat_activity where state = 'idle in transaction'`;
      if ((await other.query(idle)).rowCount !== 1) throw new Error('it is not there yet');
    });
    await other.end();
    const { error } = await posted;
    expect(error).toBeInstanceOf(StoreUnavailable);
    const { isKept } = error as StoreUnavailable;
    expect(held.happened()).toBe(true);
    if (isKept) expect((await untilWorks(3000, isKept)).value).toBe(false);
    expect((await untilWorks(3000, () => readVersions(db))).value).not.toHaveProperty(subject);
  });

  it('is waited for by a server that starts before it', async () => {
    await postgres.kill();
    const folder = testFolder();
    const settings = readSettings({
      DATA_DIR: folder.path,
      DATABASE_URL: postgres.url,
      SECRETS_KEY: newSecret(),
      COOKIE_KEYS: newSecret(),
      LOG_LEVEL: 'silent',
    });
    const opening = openServices(settings);
    await new Promise((resolve) => setTimeout(resolve, 500));
    await postgres.restart();
    const services = await opening;
    expect(await readVersions(services.db)).toMatchObject({ acknowledged: 1 });
    await services.close();
    folder.remove();
  });

  it('refuses a wrong password at once, as what it is', async () => {
    const url = new URL(postgres.url);
    url.password = 'wrong';
    const wrong = await openDatabase({ url: url.href, dataDir: '' });
    const { error } = await timed(() => readVersions(wrong));
    expect(error).not.toBeInstanceOf(StoreUnavailable);
    expect(String(error)).toMatch(/password authentication failed/);
    await wrong.destroy();
  });
});

function whetherKept(error: unknown): () => Promise<boolean> {
  if (error instanceof StoreUnavailable && error.isKept) return error.isKept;
  throw new Error(`nothing is in doubt: ${String(error)}`);
}
