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
