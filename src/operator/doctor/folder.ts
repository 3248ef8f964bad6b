import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Settings } from '../../settings.ts';
import { recordsFile } from '../../store/data-folder.ts';
import type { Finding } from './finding.ts';

const about = 'folder';

/** DATA_DIR: whether it can be written, and whether others may look in. */
export async function examineFolder({
  DATA_DIR,
  DATABASE_URL,
  REDIS_URL,
  SECRETS_KEY,
}: Settings): Promise<Finding[]> {
  if (DATABASE_URL && REDIS_URL) return [{ verdict: 'OK', about, finding: 'DATA_DIR is not used' }];
  if (!existsSync(DATA_DIR))
    return [
      {
        verdict: 'WARN',
        about,
        finding: `${DATA_DIR} is not there yet`,
        advice: 'the first start makes it; if you had one, check DATA_DIR and the folder you are in',
      },
    ];
  const findings = [...writable(DATA_DIR), ...closed(DATA_DIR), ...secretsKept(DATA_DIR, SECRETS_KEY)];
  return findings.length > 0 ? findings : [{ verdict: 'OK', about, finding: `${DATA_DIR} is ours alone` }];
}

function writable(folder: string): Finding[] {
  try {
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);
    return [];
  } catch {
    return [
      {
        verdict: 'FAIL',
        about,
        finding: `${folder} cannot be written`,
        advice: 'run as the user who owns it, or give it to this one (chown)',
      },
    ];
  }
}

function closed(folder: string): Finding[] {
  return [folder, ...['secrets.json', recordsFile, 'live.db'].map((name) => join(folder, name))].flatMap(
    (path): Finding[] => {
      if (!existsSync(path)) return [];
      const { mode } = statSync(path);
      // A closed folder keeps its files closed, whatever their own mode.
      const open = path === folder || path.endsWith('.json') ? (mode & 0o077) !== 0 : false;
      return open
        ? [
            {
              verdict: path === folder ? 'WARN' : 'FAIL',
              about,
              finding: `${path} may be read by others of this machine`,
              advice: `chmod go= ${path}`,
            },
          ]
        : [];
    },
  );
}

function secretsKept(folder: string, SECRETS_KEY: string[] | undefined): Finding[] {
  if (SECRETS_KEY || !existsSync(join(folder, recordsFile)) || existsSync(join(folder, 'secrets.json')))
    return [];
  return [
    {
      verdict: 'FAIL',
      about,
      finding: `${folder} has records but not the secrets.json that opens them`,
      advice: 'bring secrets.json back from a backup, or set SECRETS_KEY and COOKIE_KEYS',
    },
  ];
}
