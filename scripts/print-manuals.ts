/**
 * Prints docs/manual from the code, so that no manual can say what the code does not do.
 *
 *   node scripts/print-manuals.ts          writes the files
 *   node scripts/print-manuals.ts --check  writes nothing; exit status 1 when a file is not what would be written
 *
 * A new manual is one file in scripts/manuals and one row here.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { auditEventsManual } from './manuals/audit-events.ts';
import { commandsManual } from './manuals/commands.ts';
import { httpApiManual } from './manuals/http-api.ts';
import { limitsManual } from './manuals/limits.ts';
import type { Manual } from './manuals/markdown.ts';
import { protocolManual } from './manuals/protocol.ts';
import { scopesManual } from './manuals/scopes.ts';
import { settingsManual } from './manuals/settings.ts';

export const manuals: readonly Manual[] = [
  settingsManual,
  commandsManual,
  httpApiManual,
  protocolManual,
  scopesManual,
  limitsManual,
  auditEventsManual,
];

const folder = path.join(import.meta.dirname, '../docs/manual');

/** The files in docs/manual that are not what the code says, by name. */
export function staleManuals(): string[] {
  const known = manuals.map(({ file }) => file);
  const present = existsSync(folder) ? readdirSync(folder) : [];
  const changed = manuals.filter(({ file, print }) => !present.includes(file) || read(file) !== print());
  return [...changed.map(({ file }) => file), ...present.filter((file) => !known.includes(file))];
}

function read(file: string): string {
  return readFileSync(path.join(folder, file), 'utf8');
}

if (process.argv[1] === import.meta.filename) {
  if (process.argv.includes('--check')) {
    const stale = staleManuals();
    if (stale.length > 0) {
      console.error(`Not what the code says: ${stale.join(', ')} in docs/manual. Run: npm run manuals`);
      process.exitCode = 1;
    }
  } else {
    mkdirSync(folder, { recursive: true });
    for (const { file, print } of manuals) writeFileSync(path.join(folder, file), print());
  }
}
