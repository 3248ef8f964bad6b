import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Redis } from 'ioredis';
import { liveFile } from '../../src/store/data-folder.ts';
import type { World } from './world.ts';

/** All of the live state of a world is gone, as after the loss of a Redis: sessions, interactions and counters. */
export async function wipeLiveState({ services: { settings } }: World): Promise<void> {
  if (settings.REDIS_URL) return wipeRedis(settings.REDIS_URL);
  const file = new DatabaseSync(path.join(settings.DATA_DIR, liveFile));
  const tables = file.prepare("select name from sqlite_master where type = 'table'").all();
  for (const { name } of tables) file.exec(`delete from "${String(name)}"`);
  file.close();
}

async function wipeRedis(url: string): Promise<void> {
  const redis = new Redis(url);
  await redis.flushdb();
  redis.disconnect();
}

/** Keeps what the live state is now, as a snapshot does; answers how to have it back, in the place of what is there then. */
export async function keepLiveState(world: World): Promise<() => Promise<void>> {
  const { settings } = world.services;
  const putBack = settings.REDIS_URL
    ? await keepRedis(settings.REDIS_URL)
    : keepFile(path.join(settings.DATA_DIR, liveFile));
  return async () => {
    await wipeLiveState(world);
    await putBack();
  };
}

function keepFile(file: string): () => void {
  const database = new DatabaseSync(file);
  const tables = database.prepare("select name from sqlite_master where type = 'table'").all();
  const kept = tables.map(({ name }) => ({ name, rows: database.prepare(`select * from "${name}"`).all() }));
  database.close();
  return () => {
    const again = new DatabaseSync(file);
    for (const { name, rows } of kept)
      for (const row of rows) {
        const places = Object.keys(row).map(() => '?');
        again.prepare(`insert into "${name}" values (${places.join()})`).run(...Object.values(row));
      }
    again.close();
  };
}

async function keepRedis(url: string): Promise<() => Promise<void>> {
  const redis = new Redis(url);
  const keys = await redis.keys('*');
  const kept = await Promise.all(
    keys.map(async (key) => ({ key, ms: await redis.pttl(key), bytes: await redis.dumpBuffer(key) })),
  );
  redis.disconnect();
  return async () => {
    const again = new Redis(url);
    for (const { key, ms, bytes } of kept)
      if (bytes && ms !== -2) await again.restore(key, Math.max(0, ms), bytes);
    again.disconnect();
  };
}
