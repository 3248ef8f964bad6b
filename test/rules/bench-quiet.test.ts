import { describe, expect, it } from '@jest/globals';
import {
  clockMs,
  leastCost,
  overlap,
  quietPart,
  watchCpu,
  watchStandstills,
} from '../../scripts/bench/quiet.ts';

/** `npm run bench` on a machine that others share: what falls into a standstill counts neither as CPU nor as time. */
describe('what an operation costs', () => {
  const piece = (from: number, cpuMs = 10) => ({ from, to: from + 10, cpuMs });
  const pieces = [0, 10, 20, 30, 40].map((from) => piece(from));
  const load = { from: 5, to: 45 };

  it('is taken from the pieces of the load in which nothing stood still, and shared by what ended in them', () => {
    const ends = [4, 10, 10.5, 20, 21, 30, 44];
    const quiet = (standstills: { from: number; to: number }[]) =>
      quietPart(pieces, { ...load, ends, standstills });
    expect(quiet([])).toEqual({ cpuMs: 30, operations: 4, share: 0.75 });
    expect(quiet([{ from: 18, to: 20.5 }])).toEqual({ cpuMs: 10, operations: 0, share: 0.25 });
  });

  it('is that of the best round', () => {
    expect(leastCost([100, 50, 80].map((operations) => ({ cpuMs: 200, operations, share: 1 })))).toBe(2);
  });

  it('is that of all rounds together of which little was quiet', () => {
    const lucky = { cpuMs: 10, operations: 100, share: 0.1 };
    const rest = { cpuMs: 190, operations: 100, share: 0.5 };
    expect(leastCost([lucky, rest])).toBe(1);
    expect(leastCost([lucky, rest, { cpuMs: 90, operations: 100, share: 0.9 }])).toBe(0.9);
    expect(() => leastCost([lucky])).toThrow('hardly ever went on');
    expect(() => leastCost([{ cpuMs: 500, operations: 0, share: 1 }])).toThrow('hardly ever went on');
  });

  it('leaves out of a time what the machine took of it', () => {
    const standstills = [
      { from: 0, to: 10 },
      { from: 15, to: 16 },
      { from: 30, to: 40 },
    ];
    expect(overlap({ from: 5, to: 35 }, standstills)).toBe(11);
    expect(overlap({ from: 10, to: 15 }, standstills)).toBe(0);
  });

  it('counts the CPU of this very process, and knows when it was not let go on', async () => {
    const [cpu, machine] = [watchCpu(), watchStandstills()];
    const from = clockMs();
    while (clockMs() - from < 300);
    const to = clockMs();
    await new Promise((resolve) => setTimeout(resolve, 30));
    const used = cpu().reduce((sum, { cpuMs }) => sum + cpuMs, 0);
    expect(overlap({ from, to }, machine())).toBeGreaterThan(250);
    expect(used).toBeGreaterThan(100);
  });
});
