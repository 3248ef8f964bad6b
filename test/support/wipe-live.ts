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
