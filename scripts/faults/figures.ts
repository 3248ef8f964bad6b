import { percentile } from '../bench/load.ts';
import type { Entry } from './ledger.ts';

/** What a recipe is judged by, told as numbers. */
export type Figures = {
  requests: number;
  byStatus: Record<string, number>;
  p50: number;
  p99: number;
  worst: number;
  /** Answers that were neither yes nor a planned no. */
  errors: number;
  /** From the first of them to the last, in ms; and from the fault to the last. */
  window: number;
  lastErrorAfterFault: number;
};

const isError = ({ status }: Entry) => status === 0 || status >= 500;

/** Of the load alone: a probe asks one node and means that one, also while it is ended. */
export function figuresOf(
  entries: readonly Entry[],
  { since, until }: { since: number; until: number },
): Figures {
  const some = entries.filter(({ kind, start }) => kind !== 'probe' && start >= since && start < until);
  const times = some.map(({ start, end }) => end - start);
  const errors = some.filter(isError);
  const byStatus: Record<string, number> = {};
  for (const { status } of some) byStatus[status || 'none'] = (byStatus[status || 'none'] ?? 0) + 1;
  const first = Math.min(...errors.map(({ start }) => start));
  const last = Math.max(...errors.map(({ end }) => end));
  return {
    requests: some.length,
    byStatus,
    p50: Math.round(percentile(times, 0.5)),
    p99: Math.round(percentile(times, 0.99)),
    worst: Math.round(Math.max(0, ...times)),
    errors: errors.length,
    window: errors.length === 0 ? 0 : Math.round(last - first),
    lastErrorAfterFault: errors.length === 0 ? 0 : Math.round(last - since),
  };
}

export function statusesIn({ byStatus }: Figures): string {
  return Object.entries(byStatus)
    .map(([status, times]) => `${status} x${times}`)
    .join(', ');
}
