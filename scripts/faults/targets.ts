import { type Figures, statusesIn } from './figures.ts';
import type { Measured } from './recipe.ts';

export function withinMs(what: string, ms: number, most: number): Measured {
  return { what, figure: `${Math.round(ms)} ms`, target: `<= ${most} ms`, met: ms <= most };
}

export function atLeast(what: string, percent: number, least: number): Measured {
  return {
    what,
    figure: `${Math.round(percent * 100) / 100} %`,
    target: `>= ${least} %`,
    met: percent >= least,
  };
}

export function zero(what: string, count: number): Measured {
  return { what, figure: String(count), target: '0', met: count === 0 };
}

/** Who is not served is told 503 and nothing else, and everybody is told something: what needs no store, or came before or after, is served. */
export function only503(what: string, figures: Figures, target = '503 only'): Measured {
  const met = Object.keys(figures.byStatus).every((status) => served.has(status) || status === '503');
  return { what, figure: statusesIn(figures), target, met };
}

const served = new Set(['200', '303']);
