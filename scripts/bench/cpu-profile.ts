import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { refuse } from '../arguments.ts';

type CallFrame = { functionName: string; url: string; lineNumber: number };
type Profile = {
  nodes: { id: number; callFrame: CallFrame; children?: number[] }[];
  samples: number[];
  timeDeltas: number[];
};

/** Sums of the main thread's busy time, in microseconds, by name. */
export type Spent = {
  busy: number;
  /** By who caused it: the nearest package or file of ours on the stack, so that what Node does for a driver is the driver's. */
  causes: Map<string, number>;
  /** By function, its own. */
  functions: Map<string, number>;
  /** By function, with what it called before it first waited. */
  withCallees: Map<string, number>;
};

const root = path.join(import.meta.dirname, '../..');

export function readCpuProfile(file: string): Spent {
  const { nodes, samples, timeDeltas } = read(file);
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
  return { busy, causes, functions, withCallees };
}

function read(file: string): Profile {
  try {
    const profile = JSON.parse(readFileSync(file, 'utf8')) as Profile;
    if (profile.nodes && profile.samples) return profile;
  } catch (error) {
    return refuse(`${file} cannot be read as a CPU profile (${(error as Error).message}).`);
  }
  return refuse(`${file} is no CPU profile.`);
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
