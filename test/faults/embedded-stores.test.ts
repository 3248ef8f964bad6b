import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../src/kit/clock.ts';
import { openDatabase } from '../../src/store/database.ts';
import { openLiveSqlite } from '../../src/store/live-sqlite.ts';
import { readVersions } from '../../src/store/versions.ts';
import { runStoreProcess } from '../support/processes.ts';
import { testFolder } from '../support/stores.ts';

describe('the embedded stores, killed in the middle of writing', () => {
  const folder = testFolder();
  afterAll(() => folder.remove());
  const acknowledged = { records: [] as string[], entries: [] as string[] };

  beforeAll(async () => {
    await runStoreProcess('start', folder.path).ended;
    for (let round = 0; round < 8; round += 1) {
      const writer = runStoreProcess('write-for-ever', folder.path);
      while (writer.lines.length < 60) await sleep(1);
      // Somewhere within a transaction, wherever that is this time.
      await sleep(Math.random() * 20);
      writer.child.kill('SIGKILL');
      await writer.ended;
      expect(writer.child.signalCode).toBe('SIGKILL');
      for (const [what, id = ''] of writer.lines.map((line) => line.split(' ')))
        (what === 'record' ? acknowledged.records : acknowledged.entries).push(id);
    }
  });

  it('lose no record that was acknowledged, and keep no half transaction', async () => {
    const db = await openDatabase({ dataDir: folder.path });
    const kept = await readVersions(db);
    await db.destroy();
    expect(acknowledged.records.length).toBeGreaterThan(200);
    const lost = acknowledged.records.filter((id) => kept[`${id} one`] !== 1 || kept[`${id} two`] !== 2);
    expect(lost).toEqual([]);
    const halves = Object.keys(kept).filter(
      (name) => !(name.replace(/ (one|two)$/, ' one') in kept && name.replace(/ (one|two)$/, ' two') in kept),
    );
    expect(halves).toEqual([]);
  });

  it('lose no live entry that was acknowledged, nor that it was spent', async () => {
    const live = openLiveSqlite({ file: join(folder.path, 'live.db'), clock: systemClock });
    expect(acknowledged.entries.length).toBeGreaterThan(200);
    for (const id of acknowledged.entries)
      expect(await live.read([`{${id}}:one`, `{${id}}:two`])).toEqual([
        { value: id, consumedBy: undefined },
        { value: id, consumedBy: id },
      ]);
    await live.close();
  });

  it.each(['records.db', 'live.db'])('find %s in good order', (name) => {
    const file = new DatabaseSync(join(folder.path, name));
    expect(file.prepare('pragma integrity_check').all()).toEqual([{ integrity_check: 'ok' }]);
    expect(file.prepare('pragma foreign_key_check').all()).toEqual([]);
    file.close();
  });
});
