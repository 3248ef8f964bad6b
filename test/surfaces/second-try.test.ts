import { describe, expect, it } from '@jest/globals';
import {
  countTests,
  explainSecondTry,
  type Report,
  watchMachine,
  withSecondTry,
  worthSecondTry,
} from '../../scripts/second-try.ts';
import { raceKinds } from '../races/open-kind.ts';

type Result = Report['testResults'][number];
const silence = 'StoreUnavailable: the live store does not answer';

/** `npm test` tries again what had no answer while the machine stood still, and nothing else. */
describe('the second try of a run', () => {
  const standstills = [{ from: 5_000, to: 5_700 }];
  const worth = (...results: Result[]) => worthSecondTry({ testResults: results }, standstills);

  it('is for files whose tests had no answer while the machine stood still', () => {
    const [good, failed] = [file('a', 0, 4_000), file('b', 4_000, 9_000, silence)];
    expect(worth(good, failed)).toEqual(['/here/b']);
    expect(explainSecondTry({ testResults: [good, failed] }, standstills, '/here')).toBe(
      'b had no answer while the machine stood still for 0.7 s of 5.0 s; once more:\n  b does it',
    );
  });

  it.each([silence, 'Expected: 200\nReceived: 503', 'thrown: "Exceeded timeout of 120000 ms for a hook.'])(
    'is for what says "%s"',
    (message) => {
      expect(worth(file('b', 4_000, 9_000, message))).toHaveLength(1);
    },
  );

  it('is for a promise about time, and for no other number', () => {
    const failed = (received: string) =>
      file(
        'b',
        4_000,
        9_000,
        `expect(received).toBeLessThan(expected)\n\nExpected: < 500\nReceived:   ${received}`,
      );
    expect(worth(failed('1701.0997260000404'))).toHaveLength(1);
    expect(worth(failed('500'))).toEqual([]);
  });

  it('is for what failed of that first, and then of what it did not come to', () => {
    const messages = [silence, 'Expected: 5\nReceived: 4'];
    const failed = (failureMessages: string[]) => {
      const result = file('b', 4_000, 9_000, silence);
      for (const test of result.assertionResults) Object.assign(test, { failureMessages });
      return result;
    };
    expect(worth(failed(messages))).toHaveLength(1);
    expect(worth(failed(messages.toReversed()))).toEqual([]);
  });

  it('is not for what was answered, and otherwise than it had to be', () => {
    expect(worth(file('b', 4_000, 9_000, 'Expected: 1\nReceived: 2'))).toEqual([]);
  });

  it('is not for a test that was over before, in whatever file', () => {
    const result = file('b', 4_000, 9_000, silence);
    for (const test of result.assertionResults) Object.assign(test, { startAt: 4_000, duration: 900 });
    expect(worth(result)).toEqual([]);
    for (const test of result.assertionResults) Object.assign(test, { startAt: 4_900, duration: 200 });
    expect(worth(result)).toHaveLength(1);
  });

  it('is for none where one failed for another reason or in another moment', () => {
    const good = file('b', 4_000, 9_000, silence);
    expect(worth(file('a', 0, 4_000, silence), good)).toEqual([]);
    expect(worth(file('a', 4_000, 9_000, 'Received: 2'), good)).toEqual([]);
  });

  it('is not for a file that did not load, or failed outside of its tests', () => {
    expect(worth({ ...file('b', 5_500, 5_500), status: 'failed', assertionResults: [] })).toEqual([]);
    expect(worth({ ...file('b', 4_000, 9_000), status: 'failed' })).toEqual([]);
  });

  it('is for no row of the race matrix, which is lost where it was lost once', () => {
    for (const kind of raceKinds)
      expect(worth(file(`test/races/${kind}.test.ts`, 4_000, 9_000, silence))).toEqual([]);
    expect(worth(file('test/races/lost-replies.test.ts', 4_000, 9_000, silence))).toHaveLength(1);
  });

  it('is for none where a good part of the suite failed', () => {
    const files = (count: number) =>
      Array.from({ length: count }, (_, place) => file(`f${place}`, 4_000, 9_000, silence));
    expect(worth(...files(10))).toHaveLength(10);
    expect(worth(...files(11))).toEqual([]);
  });

  it('counts in the place of the first, and a second failure fails', () => {
    const [good, failed] = [file('a', 0, 4_000), file('b', 4_000, 9_000, silence)];
    const first = { testResults: [good, failed] };
    const then = (result: Result) => countTests(withSecondTry(first, { testResults: [result] }));
    expect(countTests(first)).toEqual({ passed: 1, failed: 1, skipped: 1 });
    expect(then(file('b', 9_000, 9_500))).toEqual({ passed: 2, failed: 0, skipped: 2 });
    expect(then(file('b', 9_000, 9_500, silence))).toEqual({ passed: 1, failed: 1, skipped: 1 });
    expect(then({ ...file('b', 9_000, 9_500), assertionResults: [] })).toEqual(countTests(first));
  });

  it('counts a file that fails outside of its tests', () => {
    expect(countTests({ testResults: [{ ...file('a', 0, 1), status: 'failed' }] }).failed).toBe(1);
  });

  it('knows when a process that only waits was not let go on', async () => {
    const machine = watchMachine();
    const from = performance.now();
    while (performance.now() - from < 400);
    await new Promise((resolve) => setTimeout(resolve, 50));
    machine.end();
    const longest = machine.standstills.reduce((most, { from, to }) => Math.max(most, to - from), 0);
    expect(longest).toBeGreaterThan(350);
    expect(machine.lostShare()).toBeGreaterThan(0.5);
  });
});

/** A file of one test, which fails where there is a message, and of one that is left out where there is none. */
function file(name: string, startTime: number, endTime: number, message?: string): Result {
  const status = message === undefined ? 'passed' : 'failed';
  const tests = [{ status, fullName: `${name} does it`, failureMessages: message ? [message] : [] }];
  if (!message) tests.push({ status: 'pending', fullName: `${name} does more`, failureMessages: [] });
  return { name: `/here/${name}`, status, startTime, endTime, assertionResults: tests };
}
