import type { Raced } from './race.ts';

const columns: [string, (raced: Raced) => string | number][] = [
  ['primitive', ({ primitive }) => primitive],
  ['stores', ({ kind }) => kind],
  ['rounds', ({ rounds }) => rounds],
  ['uses', ({ uses }) => uses],
  ['won', ({ won }) => won],
  ['successes max', ({ successes }) => successes],
  ['effects max', ({ effects }) => effects],
  ['alarms', ({ alarms }) => alarms],
  ['busy', ({ busy }) => busy],
  ['faults', ({ faults }) => faults.length],
  ['s', ({ seconds }) => seconds],
];

/** The table, as Markdown, for a terminal and for docs/reliability.md. */
export function heading(): string {
  return `| ${columns.map(([name]) => name).join(' | ')} |\n|${columns.map(() => '---|').join('')}`;
}

export function line(raced: Raced): string {
  return `| ${columns.map(([, tell]) => tell(raced)).join(' | ')} |`;
}
