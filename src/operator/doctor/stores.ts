import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from 'kysely';
import { migrations } from '../../../migrations/index.ts';
import { systemClock } from '../../kit/clock.ts';
import type { Settings } from '../../settings.ts';
import { liveFile, recordsFile } from '../../store/data-folder.ts';
import { openDatabase } from '../../store/database.ts';
import { openLiveSqlite } from '../../store/live-sqlite.ts';
import type { Database } from '../../store/tables.ts';
import { answered, reasonOf, timed } from './answer.ts';
import { skewFinding } from './clock.ts';
import type { Finding } from './finding.ts';
import { examineRedis } from './redis.ts';

/** Both stores: whether they answer and how fast, whether they are prepared and set up to keep what they are given. */
export async function examineRecords({ DATABASE_URL, DATA_DIR }: Settings): Promise<Finding[]> {
  const about = 'records';
  if (!DATABASE_URL && !existsSync(join(DATA_DIR, recordsFile)))
    return [
      {
        verdict: 'WARN',
        about,
        finding: 'are not there yet',
        advice: '`latchkey migrate` or the first start makes them',
      },
    ];
  const db = await openDatabase({ url: DATABASE_URL, dataDir: DATA_DIR, patient: true });
  try {
    const where = DATABASE_URL ? `PostgreSQL at ${placeOf(DATABASE_URL)}` : 'SQLite';
    const speed = await timed(() => sql`select 1`.execute(db));
    const findings = [answered(about, where, speed), await migrated(db)];
    if (DATABASE_URL) findings.push(...(await recordsClock(db)));
    return findings;
  } catch (error) {
    const place = DATABASE_URL ? placeOf(DATABASE_URL) : DATA_DIR;
    return [
      {
        verdict: 'FAIL',
        about,
        finding: `do not answer at ${place}: ${reasonOf(error)}`,
        advice: `check that the server runs and that DATABASE_URL names its host, port, user and database`,
      },
    ];
  } finally {
    await db.destroy();
  }
}

async function migrated(db: Database): Promise<Finding> {
  const about = 'records';
  const done = await sql<{ name: string }>`select name from kysely_migration`
    .execute(db)
    .then(({ rows }) => rows.map((row) => row.name))
    .catch((): string[] => []);
  const waiting = Object.keys(migrations).filter((name) => !done.includes(name));
  const foreign = done.filter((name) => !Object.hasOwn(migrations, name));
  if (foreign.length > 0)
    return {
      verdict: 'FAIL',
      about,
      finding: `were migrated by a newer version (${foreign.join(', ')})`,
      advice: 'run that version or a later one',
    };
  if (waiting.length > 0)
    return {
      verdict: 'WARN',
      about,
      finding: `lack ${waiting.length} migration(s): ${waiting.join(', ')}`,
      advice: 'run `latchkey migrate`, or start the server',
    };
  return { verdict: 'OK', about, finding: `have all ${done.length} migrations` };
}

async function recordsClock(db: Database): Promise<Finding[]> {
  const asked = Date.now();
  const { rows } = await sql<{
    now: number;
  }>`select (extract(epoch from clock_timestamp()) * 1000)::bigint as now`.execute(db);
  return skewFinding('PostgreSQL', Number(rows[0]?.now), (asked + Date.now()) / 2);
}

export async function examineLive(settings: Settings): Promise<Finding[]> {
  const { REDIS_URL, DATA_DIR, STORE_TIMEOUT_MS: timeoutMs } = settings;
  const about = 'live';
  if (REDIS_URL) return examineRedis(settings, REDIS_URL);
  const file = join(DATA_DIR, liveFile);
  if (!existsSync(file))
    return [
      { verdict: 'WARN', about, finding: 'state is not there yet', advice: 'the first start makes it' },
    ];
  const live = openLiveSqlite({ file, clock: systemClock, timeoutMs });
  try {
    return [answered(about, 'SQLite', await timed(() => live.ping()))];
  } finally {
    await live.close();
  }
}

/** Host and database of an address; never its password. */
function placeOf(url: string): string {
  const { host, pathname } = new URL(url);
  return `${host}${pathname === '/' ? '' : pathname}`;
}
