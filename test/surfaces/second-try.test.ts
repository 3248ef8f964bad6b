import { describe, expect, it } from '@jest/globals';
import {
  countTests,
  explainSecondTry,
  type Report,
  watchMachine,
  withSecondTry,
  worthSecondTry,
} from '../../scripts/second-try.ts';

/** `npm test` tries again what failed while the machine stood still, and nothing else. */
describe('the second try of a run', () => {
  const standstills = [{ from: 5_000, to: 5_700 }];

  it('is for files that ran while the machine stood still', () => {
    const report = reportOf(file('a', 0, 4_000), file('b', 4_000, 9_000, 'failed'));
    expect(worthSecondTry(report, standstills)).toEqual(['/here/b']);
    expect(explainSecondTry(report, standstills, '/here')).toBe(
      'b failed while the machine stood still for 0.7 s of 5.0 s; once more:\n  b does it',
    );
  });

  it('is for none where one failed without that', () => {
    const report = reportOf(file('a', 0, 4_000, 'failed'), file('b', 4_000, 9_000, 'failed'));
    expect(worthSecondTry(report, standstills)).toEqual([]);
  });

  it('is for none on a machine that never stood still, and of none that did not load', () => {
    expect(worthSecondTry(reportOf(file('b', 4_000, 9_000, 'failed')), [])).toEqual([]);
    expect(worthSecondTry(reportOf(file('b', 0, 0, 'failed')), standstills)).toEqual([]);
  });

  it('is for no race, which is lost where it was lost once', () => {
    expect(worthSecondTry(reportOf(file('test/races/b', 4_000, 9_000, 'failed')), standstills)).toEqual([]);
  });

  it('is for none where a good part of the suite failed', () => {
    const files = (count: number) =>
      reportOf(...Array.from({ length: count }, (_, place) => file(`f${place}`, 4_000, 9_000, 'failed')));
    expect(worthSecondTry(files(10), standstills)).toHaveLength(10);
    expect(worthSecondTry(files(11), standstills)).toEqual([]);
  });

  it('counts in the place of the first, and a second failure fails', () => {
    const first = reportOf(file('a', 0, 4_000), file('b', 4_000, 9_000, 'failed'));
    expect(countTests(first)).toEqual({ passed: 1, failed: 1, skipped: 1 });
    const passed = withSecondTry(first, reportOf(file('b', 9_000, 9_500)));
    expect(countTests(passed)).toEqual({ passed: 2, failed: 0, skipped: 2 });
    const failed = withSecondTry(first, reportOf(file('b', 9_000, 9_500, 'failed')));
    expect(countTests(failed)).toEqual({ passed: 1, failed: 1, skipped: 1 });
  });

  it('counts a file that fails outside of its tests', () => {
    expect(countTests(reportOf({ ...file('a', 0, 1), status: 'failed' }))).toMatchObject({ failed: 1 });
  });

  it('knows when a process that only waits was not let go on', async () => {
    const machine = watchMachine();
    const from = Date.now();
    while (Date.now() - from < 400);
    await new Promise((resolve) => setTimeout(resolve, 50));
    machine.end();
    const longest = machine.standstills.reduce((most, { from, to }) => Math.max(most, to - from), 0);
    expect(longest).toBeGreaterThan(350);
  });
});

const reportOf = (...testResults: Report['testResults']): Report => ({ testResults });

/** A file of one test, and one that is left out. */
function file(
  name: string,
  startTime: number,
  endTime: number,
  status = 'passed',
): Report['testResults'][number] {
  const tests = [{ status, fullName: `${name} does it` }];
  if (status === 'passed') tests.push({ status: 'pending', fullName: `${name} does more` });
  return { name: `/here/${name}`, status, startTime, endTime, assertionResults: tests };
}
