import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseSync } from '@swc/core';

/** The house as data: its rooms by floor, and the rules that hold it upright. floors.test.ts applies them to every file. */
export type Room = { floor: number; at: string; strangers?: boolean };

/** Imports point down. `strangers` do not know the other rooms of their floor; on the others, neighbours may talk. */
export const rooms: readonly Room[] = [
  ...['src/app.ts', 'src/main.ts', 'src/workers.ts', 'src/cli.ts', 'src/demo'].map((at) => ({
    floor: 8,
    at,
  })),
  ...['interactions', 'clients/console', 'clients/registration', 'src/operator'].map((at) => ({
    floor: 7,
    at,
    strangers: true,
  })),
  { floor: 6, at: 'src/actions' },
  { floor: 5, at: 'src/oidc' },
  ...['src/accounts', 'src/credentials', 'src/consents', 'clients/registry'].map((at) => ({
    floor: 4,
    at,
    strangers: true,
  })),
  ...['src/audit', 'src/limits', 'src/mail', 'src/sms'].map((at) => ({ floor: 3, at })),
  { floor: 2, at: 'src/services.ts' },
  ...['src/settings.ts', 'src/settings', 'src/store', 'src/web'].map((at) => ({ floor: 1, at })),
  // The example apps and the SDK are other people's code as far as the server is concerned: they know nothing of ours.
  ...['src/kit', 'migrations', 'clients/sdk', 'clients/examples'].map((at) => ({
    floor: 0,
    at,
    strangers: true,
  })),
];

const longest = 300;

/** Names that say nothing: `form-utils.ts`, `common/x.ts`, `account-manager.ts`. */
const emptyName = /(^|[/-])(helpers?|utils?|misc|managers?)(\/|\.)|\/common(\/|\.)/;

export type SourceFile = { file: string; text: string };

/** Every code file below the given folders, by its path from the root of the repository, `/` between names. */
export function readSources(root: string, folders: readonly string[]): SourceFile[] {
  return folders
    .flatMap((folder) =>
      readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) =>
        path.join(folder, name).replaceAll(path.sep, '/'),
      ),
    )
    .filter((file) => /\.(ts|mts|mjs|cjs|js)$/.test(file) && !file.includes('node_modules/'))
    .map((file) => ({ file, text: readFileSync(path.join(root, file), 'utf8') }));
}

export function roomOf(file: string): Room | undefined {
  return rooms.find(({ at }) => file === at || file.startsWith(`${at}/`) || file === `${at}.ts`);
}

/** What is wrong with a file of the house, as sentences; empty when nothing is. */
export function problemsOf({ file, text }: SourceFile): string[] {
  const room = roomOf(file);
  if (!room) return [`${file} is in no room of the house`];
  const { imports, exportsDefault, isBarrel } = readModule(text);
  return [
    ...imports.flatMap((found) => importProblems(file, room, found)),
    ...sizeProblems({ file, text }),
    ...(exportsDefault ? [`${file} has a default export; ours have names`] : []),
    ...(isBarrel ? [`${file} only passes on what others export; import from them directly`] : []),
    ...(emptyName.test(file) ? [`${file} is named for what it is not; name it for what it exports`] : []),
  ];
}

export function sizeProblems({ file, text }: SourceFile): string[] {
  const lines = text.split('\n').length - 1;
  return lines > longest ? [`${file} has ${lines} lines; ${longest} is the most`] : [];
}

type Import = { from: string; typeOnly: boolean };

function importProblems(file: string, room: Room, { from, typeOnly }: Import): string[] {
  if (from === 'oidc-provider' || from.startsWith('oidc-provider/')) {
    const allowed = room.at === 'src/oidc' || (typeOnly && file === 'src/services.ts');
    return allowed ? [] : [`${file} imports ${from}, which only src/oidc may`];
  }
  if (!from.startsWith('.')) return [];
  const target = path.posix.join(path.posix.dirname(file), from);
  const other = roomOf(target);
  if (!other) return [`${file} imports ${target}, which is in no room of the house`];
  if (other.at === room.at || other.floor < room.floor) return [];
  if (other.floor > room.floor) return [`${file} imports ${target}, which points up`];
  return room.strangers ? [`${file} imports ${target}, which points sideways, at a stranger`] : [];
}

type Node = { type?: string; [member: string]: unknown };

/** What a module imports (statements, re-exports, import() and import types alike) and how it exports. */
function readModule(text: string): { imports: Import[]; exportsDefault: boolean; isBarrel: boolean } {
  const body = parseSync(text, { syntax: 'typescript', target: 'es2024' }).body as unknown as Node[];
  const imports: Import[] = [];
  walk(body, (node) => {
    const source = sourceOf(node);
    if (source === undefined) return;
    const specifiers = (node['specifiers'] ?? []) as Node[];
    const onlyTypes = specifiers.length > 0 && specifiers.every((one) => one['isTypeOnly'] === true);
    const typeOnly = node.type === 'TsImportType' || node['typeOnly'] === true || onlyTypes;
    imports.push({ from: source, typeOnly });
  });
  const passesOn = (node: Node) =>
    node.type === 'ExportAllDeclaration' ||
    (node.type === 'ExportNamedDeclaration' && Boolean(node['source']));
  return {
    imports,
    exportsDefault: body.some((node) => /^ExportDefault/.test(node.type ?? '') || namesDefault(node)),
    isBarrel: body.length > 0 && body.every(passesOn),
  };
}

function sourceOf(node: Node): string | undefined {
  const value = (found: unknown) => (found as { value?: string } | undefined)?.value;
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportAllDeclaration':
    case 'ExportNamedDeclaration':
      return value(node['source']);
    case 'TsImportType':
      return value(node['argument']);
    case 'CallExpression': {
      if ((node['callee'] as Node).type !== 'Import') return undefined;
      const [first] = node['arguments'] as { expression: { value?: string } }[];
      return first?.expression.value;
    }
    default:
      return undefined;
  }
}

/** `export { x as default }` */
function namesDefault(node: Node): boolean {
  if (node.type !== 'ExportNamedDeclaration') return false;
  return (node['specifiers'] as Node[]).some(
    ({ exported }) => (exported as { value?: string } | null | undefined)?.value === 'default',
  );
}

function walk(value: unknown, visit: (node: Node) => void): void {
  if (Array.isArray(value)) for (const item of value) walk(item, visit);
  else if (value && typeof value === 'object') {
    visit(value as Node);
    for (const member of Object.values(value)) if (typeof member === 'object') walk(member, visit);
  }
}
