import { generateKeyPair, type JsonWebKey } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { newId } from '../../src/kit/secrets.ts';
import type { Services } from '../../src/services.ts';
import { keptSecrets, recordsFile } from '../../src/store/data-folder.ts';
import { openDatabase } from '../../src/store/database.ts';
import { migrate } from '../../src/store/migrate.ts';

/**
 * What every world of a run begins with, made once: records with all tables and no rows, and RSA keys, each of which costs
 * as much as many tests. scripts/test.mjs makes them and says where they are; without it each world makes its own.
 */
const folder = process.env['TEST_PREPARED'];
const keysFile = 'rsa-keys.json';
export const preparedDatabase = 'prepared_for_tests';

export async function prepareStores(where: string, { postgres }: { postgres?: string }): Promise<void> {
  mkdirSync(where, { recursive: true });
  const making = [makeKeys(where), makeRecords({ dataDir: where })];
  if (postgres) making.push(makeDatabase(postgres));
  await Promise.all(making);
}

/** Four: worlds of one test that speak with each other shall not have the same. */
async function makeKeys(where: string): Promise<void> {
  const make = promisify(generateKeyPair);
  const pairs = await Promise.all(Array.from({ length: 4 }, () => make('rsa', { modulusLength: 3072 })));
  const keys = pairs.map(({ privateKey }) => privateKey.export({ format: 'jwk' }));
  writeFileSync(path.join(where, keysFile), JSON.stringify(keys), { mode: 0o600 });
}

async function makeRecords(place: { url?: string; dataDir: string }): Promise<void> {
  const db = await openDatabase({ ...place, patient: true });
  try {
    await migrate(db);
  } finally {
    await db.destroy();
  }
}

async function makeDatabase(server: string): Promise<void> {
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  await client.query(`create database ${preparedDatabase}`);
  await client.end();
  const url = new URL(server);
  url.pathname = `/${preparedDatabase}`;
  await makeRecords({ url: url.href, dataDir: '' });
}

/** In a DATA_DIR in which nothing is yet. */
export function layRecords(dataDir: string): void {
  if (folder === undefined) return;
  // First: beside records that exist none are made.
  keptSecrets(dataDir);
  copyFileSync(path.join(folder, recordsFile), path.join(dataDir, recordsFile));
}

let given = Math.floor(Math.random() * 4);

/** In the records of a server that was not started yet. */
export async function giveRsaKey({ db, clock, seals }: Services): Promise<void> {
  if (folder === undefined) return;
  const has = await db.selectFrom('signing_keys').select('kid').executeTakeFirst();
  if (has) return;
  const keys = JSON.parse(readFileSync(path.join(folder, keysFile), 'utf8')) as JsonWebKey[];
  given += 1;
  const jwk = { ...keys[given % keys.length], kid: newId(), use: 'sig', alg: 'RS256' };
  const now = clock.now();
  await db
    .insertInto('signing_keys')
    .values({
      kid: jwk.kid,
      alg: jwk.alg,
      jwk: seals.seal('signing-key', JSON.stringify(jwk)),
      created_at: now,
      signs_from: now,
      retire_at: null,
    })
    .execute();
}
