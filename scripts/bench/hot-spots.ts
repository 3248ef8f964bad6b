import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

type CallFrame = { functionName: string; url: string; lineNumber: number };
type Profile = {
  nodes: { id: number; callFrame: CallFrame; children?: number[] }[];
  samples: number[];
  timeDeltas: number[];
};

const root = path.join(import.meta.dirname, '../..');
const most = 25;

/**
 * Where the main thread's time went in a CPU profile: by who caused it (the nearest package or file of ours on the stack,
 * so that what Node does for a driver is the driver's), by function, and by function of ours with what it called before
 * it first waited. Shares are of the busy time.
 */
export function printHotSpots(file: string): void {
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(file, 'utf8')) as Profile;
  const own = new Map<number, number>();
  for (const [place, id] of samples.entries()) own.set(id, (own.get(id) ?? 0) + (timeDeltas[place] ?? 0));
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const causes = new Map<string, number>();
  const functions = new Map<string, number>();
  const withCallees = new Map<string, number>();
  const add = (sums: Map<string, number>, name: string, time: number) =>
    sums.set(name, (sums.get(name) ?? 0) + time);

  /** Counts a function once on each stack it stands in, however deep it recurses. */
  function walk(id: number, above: ReadonlySet<string>, cause: string): number {
    const node = byId.get(id);
    if (!node) return 0;
    const name = nameOf(node.callFrame);
    const time = isIgnored(node.callFrame) ? 0 : (own.get(id) ?? 0);
    const nearest = causeIn(node.callFrame) ?? cause;
    add(causes, nearest, time);
    add(functions, name, time);
    const stack = new Set(above).add(name);
    const total = (node.children ?? []).reduce((sum, child) => sum + walk(child, stack, nearest), time);
    if (!above.has(name)) add(withCallees, name, total);
    return total;
  }

  const busy = walk(nodes[0]?.id ?? 1, new Set(), 'node');
  print('by who caused it', causes, busy);
  print('by function, own time', functions, busy);
  print('our functions, with what they call', withCallees, busy, (name) => name.startsWith('src/'));
}

function print(
  title: string,
  sums: ReadonlyMap<string, number>,
  busy: number,
  keep: (name: string) => boolean = () => true,
) {
  console.log(`\n${title}`);
  const sorted = [...sums].filter(([name]) => keep(name)).sort(([, a], [, b]) => b - a);
  for (const [name, time] of sorted.slice(0, most))
    console.log(`${((100 * time) / busy).toFixed(1).padStart(6)} %  ${name}`);
}

function isIgnored({ functionName, url }: CallFrame): boolean {
  return ['(idle)', '(program)', '(root)'].includes(functionName) || url === 'node:inspector';
}

function fileOf(url: string): string {
  return url.startsWith('file:') ? path.relative(root, fileURLToPath(url)) : url;
}

function nameOf({ functionName, url, lineNumber }: CallFrame): string {
  return `${fileOf(url)}:${lineNumber + 1} ${functionName || '(anonymous)'}`;
}

function causeIn({ functionName, url }: CallFrame): string | undefined {
  if (functionName === '(garbage collector)') return 'garbage collector';
  if (!url.startsWith('file:')) return undefined;
  const file = fileOf(url);
  return /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? file;
}
