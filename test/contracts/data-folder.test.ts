import { once } from 'node:events';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../src/kit/clock.ts';
import { openServices } from '../../src/services.ts';
import { readSettings } from '../../src/settings.ts';
import { keptSecrets, liveFile } from '../../src/store/data-folder.ts';
import { openDatabase } from '../../src/store/database.ts';
import { openLiveSqlite } from '../../src/store/live-sqlite.ts';
import { readVersions } from '../../src/store/versions.ts';
import { runStoreProcess } from '../support/processes.ts';
import { testFolder } from '../support/stores.ts';

describe('the data folder', () => {
  let folder: ReturnType<typeof testFolder>;
  beforeEach(() => {
    folder = testFolder();
  });
  afterEach(() => folder.remove());
  const modeOf = (file: string) => (statSync(file).mode & 0o777).toString(8);

  it('and everything in it is for its owner alone', async () => {
    const dataDir = join(folder.path, 'made', 'by us');
    const services = await openServices(readSettings({ DATA_DIR: dataDir, LOG_LEVEL: 'silent' }));
    expect(modeOf(dataDir)).toBe('700');
    for (const file of ['secrets.json', 'records.db', 'records.db-wal', 'live.db', 'live.db-wal'])
      expect([file, modeOf(join(dataDir, file))]).toEqual([file, '600']);
    await services.close();
  });

  it('keeps its secrets, so that what one start sealed the next one opens', async () => {
    const settings = readSettings({ DATA_DIR: folder.path, LOG_LEVEL: 'silent' });
    const first = await openServices(settings);
    const sealed = first.seals.seal('test', 'a secret');
    await first.close();
    const second = await openServices(settings);
    expect(second.seals.open('test', sealed)).toBe('a secret');
    expect(second.settings.COOKIE_KEYS).toEqual(first.settings.COOKIE_KEYS);
    expect(second.settings.COOKIE_KEYS?.[0]).toHaveLength(43);
    await second.close();
  });

  it('prefers the secrets of the settings', async () => {
    const given = Buffer.alloc(32, 7).toString('base64url');
    const services = await openServices(
      readSettings({ DATA_DIR: folder.path, LOG_LEVEL: 'silent', SECRETS_KEY: given }),
    );
    expect(services.settings.SECRETS_KEY).toEqual([given]);
    expect(services.settings.COOKIE_KEYS).toEqual(keptSecrets(folder.path).COOKIE_KEYS);
    await services.close();
  });

  it('refuses to make new secrets beside records that the old ones sealed', async () => {
    const settings = readSettings({ DATA_DIR: folder.path, LOG_LEVEL: 'silent' });
    await (await openServices(settings)).close();
    const file = join(folder.path, 'secrets.json');
    const kept = readFileSync(file);
    rmSync(file);
    await expect(openServices(settings)).rejects.toThrow(/records\.db but no secrets\.json/);
    writeFileSync(file, '{"SECRETS_KEY": [');
    await expect(openServices(settings)).rejects.toThrow(/damaged/);
    writeFileSync(file, kept);
    await (await openServices(settings)).close();
  });

  it('gives several processes that start at once the same secrets and one set of tables', async () => {
    const starts = Array.from({ length: 4 }, () => runStoreProcess('start', folder.path));
    await Promise.all(starts.map(({ ended }) => ended));
    expect(new Set(starts.flatMap(({ lines }) => lines)).size).toBe(1);
  });

  it('is made once by all who open it at the same moment, and none of them is told that it is locked', async () => {
    const [threads, rounds, shared] = [6, 100, new SharedArrayBuffer(8)];
    const signal = new Int32Array(shared);
    const worker = new URL('../support/opening-worker.ts', import.meta.url);
    const workers = Array.from(
      { length: threads },
      () => new Worker(worker, { workerData: { folder: folder.path, rounds, shared } }),
    );
    const told = Promise.all(workers.map(async (one) => (await once(one, 'message'))[0] as string[]));
    for (let round = 1; round <= rounds; round += 1) {
      while (Atomics.load(signal, 1) < threads * round) await sleep(1);
      Atomics.store(signal, 0, round);
      Atomics.notify(signal, 0);
    }
    expect((await told).flat()).toEqual([]);
  });

  it('is safe to share: two processes lose no change and spend nothing twice', async () => {
    await runStoreProcess('start', folder.path).ended;
    const live = openLiveSqlite({ file: join(folder.path, liveFile), clock: systemClock });
    const changes = 150;
    for (let n = 0; n < changes; n += 1)
      await live.commit([{ do: 'put', key: `{shared}:once ${n}`, value: '', ttlMs: 3_600_000 }]);

    const two = [0, 1].map(() => runStoreProcess('change', folder.path, changes));
    await Promise.all(two.map(({ ended }) => ended));

    const db = await openDatabase({ dataDir: folder.path });
    expect(await readVersions(db)).toEqual({ shared: 2 * changes });
    expect(await live.count('{shared}:count', 3_600_000, 0)).toMatchObject({ count: 2 * changes });
    const won = two.flatMap(({ lines }) => lines.filter((line) => line.startsWith('won')));
    expect(won).toHaveLength(changes);
    expect(new Set(won).size).toBe(changes);
    await db.destroy();
    await live.close();
  });
});
