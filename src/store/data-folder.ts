import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { newId, newSecret } from '../kit/secrets.ts';
import { SettingsProblem } from '../settings.ts';

/**
 * DATA_DIR: the files of the embedded stores, and the secrets made on the first start. Only its owner may look in.
 * Several processes may share it, so that the command line works while the server runs: SQLite's write-ahead log keeps
 * them apart (sqlite-file.ts), and of two that start at once one makes the secrets and the other reads them. It must be
 * on a local disk: a network share does not give the shared memory that the log needs.
 */
export const recordsFile = 'records.db';
export const liveFile = 'live.db';
const secretsFile = 'secrets.json';

const secretsSchema = z.object({
  SECRETS_KEY: z.array(z.string()).min(1),
  COOKIE_KEYS: z.array(z.string()).min(1),
});
/** In the shape of the settings of the same names: newest first. */
export type KeptSecrets = z.output<typeof secretsSchema>;

export function makeDataFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    const { code, path = folder } = error as NodeJS.ErrnoException;
    throw new SettingsProblem([`DATA_DIR: cannot be used: ${code} at ${path}`]);
  }
}

/**
 * Reads the folder's secrets, or makes them when it is new. Refuses to make new ones beside records that exist: those
 * were sealed with the old ones, and nobody could open them again.
 */
export function keptSecrets(folder: string): KeptSecrets {
  makeDataFolder(folder);
  const file = join(folder, secretsFile);
  if (!existsSync(file)) {
    if (existsSync(join(folder, recordsFile)))
      throw new Error(
        `${folder} has ${recordsFile} but no ${secretsFile}, which opens it. Bring ${secretsFile} back from a backup, or set SECRETS_KEY and COOKIE_KEYS.`,
      );
    writeOnce(file, JSON.stringify({ SECRETS_KEY: [newSecret()], COOKIE_KEYS: [newSecret()] }, null, 2));
  }
  const parsed = secretsSchema.safeParse(parseJson(readFileSync(file, 'utf8')));
  if (!parsed.success) throw new Error(`${file} is damaged: it must hold SECRETS_KEY and COOKIE_KEYS.`);
  return parsed.data;
}

/** The file appears whole, on the disk, and once: whoever comes second leaves the first one's. */
function writeOnce(file: string, text: string): void {
  const draft = `${file}.${newId()}`;
  const handle = openSync(draft, 'wx', 0o600);
  try {
    writeSync(handle, `${text}\n`);
    fsyncSync(handle);
    linkSync(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    closeSync(handle);
    rmSync(draft);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
