/**
 * A process of its own on an embedded DATA_DIR, for tests that need a second one or want to kill one:
 * `node store-process.ts <what> <folder> [how many]`. It says each thing on a line after it was acknowledged.
 */
import { join } from 'node:path';
import { systemClock } from '../../src/kit/clock.ts';
import { newId } from '../../src/kit/secrets.ts';
import { keptSecrets, liveFile } from '../../src/store/data-folder.ts';
import { openDatabase } from '../../src/store/database.ts';
import { openLiveSqlite } from '../../src/store/live-sqlite.ts';
import { migrate } from '../../src/store/migrate.ts';
import { bumpVersion } from '../../src/store/versions.ts';

const [what = '', dataDir = '', howMany = '0'] = process.argv.slice(2);
const say = (word: string) => process.stdout.write(`${word}\n`);

async function start(): Promise<void> {
  const secrets = keptSecrets(dataDir);
  const patient = await openDatabase({ dataDir, patient: true });
  await migrate(patient);
  await patient.destroy();
  say(JSON.stringify(secrets));
}

/** One change of both stores after the other, so that two of these meet all the time. */
async function change(): Promise<void> {
  const db = await openDatabase({ dataDir });
  const live = openLiveSqlite({ file: join(dataDir, liveFile), clock: systemClock });
  say('ready');
  for (let done = 0; done < Number(howMany); done += 1) {
    await db.transaction().execute(async (tx) => {
      await tx.selectFrom('versions').selectAll().execute();
      await bumpVersion(tx, 'shared');
    });
    await live.count('{shared}:count', 3_600_000, 1);
    const spent = await live.commit([
      { do: 'consume', key: `{shared}:once ${done}`, by: `process ${process.pid}` },
    ]);
    if (spent.ok) say(`won ${done}`);
  }
  await live.close();
  await db.destroy();
}

/** Writes until it is killed: pairs of rows in one transaction, pairs of entries in one commit. */
async function writeForEver(): Promise<void> {
  const db = await openDatabase({ dataDir });
  const live = openLiveSqlite({ file: join(dataDir, liveFile), clock: systemClock });
  for (;;) {
    const id = newId();
    await db.transaction().execute(async (tx) => {
      await tx
        .insertInto('versions')
        .values({ subject: `${id} one`, version: 1 })
        .execute();
      await tx
        .insertInto('versions')
        .values({ subject: `${id} two`, version: 2 })
        .execute();
    });
    say(`record ${id}`);
    await live.commit([
      { do: 'add', key: `{${id}}:one`, value: id, ttlMs: 3_600_000 },
      { do: 'add', key: `{${id}}:two`, value: id, ttlMs: 3_600_000 },
      { do: 'consume', key: `{${id}}:two`, by: id },
    ]);
    say(`entry ${id}`);
  }
}

const work: Record<string, () => Promise<void>> = { start, change, 'write-for-ever': writeForEver };
await work[what]?.();
