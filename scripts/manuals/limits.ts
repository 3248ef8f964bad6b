import { limits } from '../../src/limits/limits.ts';
import { code, type Manual, page, table } from './markdown.ts';

export const limitsManual: Manual = {
  file: 'limits.md',
  print: () =>
    page(
      'Limits',
      'How often something may be tried. The counters live in the live state: all processes share them and they outlive ' +
        'a restart. An IPv6 address counts by its /64.',
      table(
        ['Limit', 'At most', 'Within', 'Counted by', 'Why'],
        Object.entries(limits).map(([name, { max, windowMs, keyedBy, why }]) => [
          code(name),
          String(max),
          spoken(windowMs),
          keyedBy.replaceAll('_', ' '),
          why,
        ]),
      ),
    ),
};

function spoken(ms: number): string {
  const minutes = ms / 60_000;
  if (minutes % 60 === 0) return minutes === 60 ? 'an hour' : `${minutes / 60} hours`;
  return minutes === 1 ? 'a minute' : `${minutes} minutes`;
}
