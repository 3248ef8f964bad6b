import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { openSeals } from '../../kit/sealing.ts';
import type { Settings } from '../../settings.ts';
import { keptSecrets, recordsFile } from '../../store/data-folder.ts';
import { openDatabase } from '../../store/database.ts';
import type { Database } from '../../store/tables.ts';
import type { Finding } from './finding.ts';

const about = 'secrets';

/** SECRETS_KEY, from the settings or the folder: whether it opens what the records hold. Without that no server starts. */
export async function examineSecrets(settings: Settings): Promise<Finding[]> {
  const { SECRETS_KEY, DATABASE_URL, DATA_DIR } = settings;
  if (!SECRETS_KEY && !existsSync(join(DATA_DIR, 'secrets.json'))) return [];
  if (!DATABASE_URL && !existsSync(join(DATA_DIR, recordsFile))) return [];
  try {
    const keys = SECRETS_KEY ?? keptSecrets(DATA_DIR).SECRETS_KEY;
    // Records that cannot be read are told of with the records.
    return await examineSealed(settings, keys).catch(() => []);
  } catch (error) {
    const advice = 'bring it back from a backup, or set SECRETS_KEY and COOKIE_KEYS';
    return [{ verdict: 'FAIL', about, finding: (error as Error).message, advice }];
  }
}

async function examineSealed({ DATABASE_URL, DATA_DIR }: Settings, keys: string[]): Promise<Finding[]> {
  const db = await openDatabase({ url: DATABASE_URL, dataDir: DATA_DIR, patient: true });
  try {
    const values = await sealedValues(db);
    const known = keys.map((key) => sealer(openSeals([Buffer.from(key, 'base64url')]).seal(about, '')));
    const closed = values.filter((value) => !known.includes(sealer(value)));
    if (closed.length === 0)
      return values.length > 0
        ? [{ verdict: 'OK', about, finding: 'open what the records keep sealed' }]
        : [];
    return [
      {
        verdict: 'FAIL',
        about,
        finding: `SECRETS_KEY does not open ${closed.length} of ${values.length} sealed keys of the records`,
        advice: 'put the one that sealed them back into the list, behind the newest',
      },
    ];
  } finally {
    await db.destroy();
  }
}

/** From tables of src/oidc, which are only read here. */
async function sealedValues(db: Database): Promise<string[]> {
  const own = await db.selectFrom('server_secrets').select('secret as sealed').execute();
  const signing = await db.selectFrom('signing_keys').select('jwk as sealed').execute();
  return [...own, ...signing].map(({ sealed }) => sealed);
}

/** A sealed value begins with the id of its key (src/kit/sealing.ts). */
function sealer(sealed: string): string | undefined {
  return sealed.split('.')[1];
}
