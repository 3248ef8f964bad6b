import { describe, expect, it } from '@jest/globals';
import {
  clockMs,
  costIn,
  leastCost,
  overlap,
  quietPieces,
  watchCpu,
  watchStandstills,
} from '../../scripts/bench/quiet.ts';

/** `npm run bench` on a machine that others share: what falls into a standstill counts neither as CPU nor as time. */
describe('what an operation costs', () => {
  const piece = (from: number, cpuMs = 10) => ({ from, to: from + 10, cpuMs });
  const pieces = [0, 10, 20, 30, 40].map((from) => piece(from));
  const load = { from: 5, to: 45 };

  it('is taken from the pieces of the load in which nothing stood still', () => {
    expect(quietPieces(pieces, { ...load, standstills: [] }).map(({ from }) => from)).toEqual([10, 20, 30]);
    const standstills = [{ from: 18, to: 21 }];
    expect(quietPieces(pieces, { ...load, standstills }).map(({ from }) => from)).toEqual([30]);
  });

  it('is shared by what ended in them', () => {
    expect(costIn([piece(0), piece(20)], [10, 10.5, 20, 21, 30])).toEqual({ cpuMs: 20, operations: 3 });
  });

  it('is that of the best round', () => {
    const rounds = [100, 50, 80].map((operations) => ({ cpuMs: 200, operations }));
    expect(leastCost(rounds)).toBe(2);
  });

  it('is not that of a round in which hardly a moment was quiet', () => {
    const lucky = { cpuMs: 10, operations: 100 };
    expect(leastCost([lucky, { cpuMs: 190, operations: 100 }, { cpuMs: 300, operations: 100 }])).toBe(1);
    expect(() => leastCost([lucky])).toThrow('hardly ever went on');
    expect(() => leastCost([{ cpuMs: 500, operations: 0 }])).toThrow('hardly ever went on');
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
