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

  it('neither hangs nor goes on with half a transaction when the reply to its commit is lost', async () => {
    const cutsBefore = proxy.cuts();
    for (let round = 0; round < 30; round += 1) {
      const subject = newId();
      proxy.cutReplyTo('commit');
      const lost = await timed(() => db.transaction().execute((tx) => bumpVersion(tx, subject)));
      expect(lost.error).toBeInstanceOf(StoreUnavailable);
      expect(lost.ms).toBeLessThan(1000);
      // It had happened; nobody could know. What is written with `on conflict` may be repeated.
      const { value } = await untilWorks(3000, () => readVersions(db));
      expect(value).toMatchObject({ [subject]: 1 });
    }
    expect(proxy.cuts() - cutsBefore).toBe(30);
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
