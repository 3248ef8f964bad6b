/**
 * On a machine that stands still for half a second at a time a server answers 503 to what its stores did not answer in
 * time, as it promises to, and honest tests fail. The process that waits for the tests has nothing else to do, so it knows
 * when the machine stood still. Tests that failed in such a moment, and for want of an answer, have their files run once
 * more, and the run says so; any other failure is final.
 */
import path from 'node:path';

/** In milliseconds of the epoch: when this process was to look at its watch, and when it could. */
export type Standstill = { from: number; to: number };

/** What is read of Jest's report of a run (`--json`). Times are of the epoch. */
export type Report = {
  testResults: {
    name: string;
    status: string;
    startTime: number;
    endTime: number;
    assertionResults: Test[];
  }[];
};
type Result = Report['testResults'][number];
type Test = {
  status: string;
  fullName: string;
  failureMessages: string[];
  startAt?: number | null;
  duration?: number | null;
};

const beatMs = 100;
// Who sleeps is woken within some milliseconds where others keep all processors busy.
const longMs = 250;
// A row of the race matrix counts its 503s by itself; what was won twice is no matter of time, however often it goes well afterwards.
const isFinal = /[\\/]test[\\/]races[\\/](cluster|embedded|jitter|redis|sentinel)\.test\.ts$/;
// More than this is none either.
const mostFiles = 10;
/**
 * What a test says that had no answer, or a late one: a store's silence, what the server makes of it, a promise about time (which
 * is measured in fractions of a millisecond; a status is a whole number), or a patience at its end.
 */
const unanswered =
  /StoreUnavailable|does not answer|\b503\b|toBeLessThan[\s\S]*Received:[^\n]*\d\.\d|never came about|not ready|Exceeded timeout/;

/** `lostShare`: of the time since it was called. */
export function watchMachine(): { standstills: Standstill[]; lostShare(): number; end(): void } {
  const standstills: Standstill[] = [];
  const begun = performance.now();
  let last = begun;
  const timer = setInterval(() => {
    const at = performance.now();
    const late = at - last;
    // How long by a clock that nobody sets, and when by the one of the report.
    if (late > beatMs + longMs) standstills.push({ from: Date.now() - late, to: Date.now() });
    last = at;
  }, beatMs);
  const lostShare = () =>
    standstills.reduce((sum, { from, to }) => sum + to - from, 0) / (performance.now() - begun);
  return { standstills, lostShare, end: () => clearInterval(timer) };
}

/** The files that failed, where each of their failures is of a moment in which the machine stood still; otherwise none. */
export function worthSecondTry({ testResults }: Report, standstills: readonly Standstill[]): string[] {
  const failed = testResults.filter(hasFailed);
  const all = failed.every((result) => isOfMachine(result, standstills));
  return all && failed.length <= mostFiles ? failed.map(({ name }) => name) : [];
}

function isOfMachine(result: Result, standstills: readonly Standstill[]): boolean {
  const tests = result.assertionResults.filter(hasFailed);
  // A file that does not load, or fails outside of its tests, has none.
  if (tests.length === 0 || isFinal.test(result.name)) return false;
  return tests.every((test) => isUnanswered(test) && lostMs(windowOf(test, result), standstills) > 0);
}

/** By what it failed of first: what is looked at after such a test misses what it did not come to. */
function isUnanswered({ failureMessages: [first = ''] }: Test): boolean {
  return unanswered.test(first);
}

/** Of a test whose file could not be prepared no time is known. */
function windowOf({ startAt, duration }: Test, { startTime, endTime }: Result): Standstill {
  return startAt && duration ? { from: startAt, to: startAt + duration } : { from: startTime, to: endTime };
}

/** What failed at first, and how long the machine stood still meanwhile. */
export function explainSecondTry(
  { testResults }: Report,
  standstills: readonly Standstill[],
  root: string,
): string {
  const explain = (result: Result) => {
    const { name, startTime: from, endTime: to, assertionResults } = result;
    const [lost, whole] = [lostMs({ from, to }, standstills), to - from].map(inSeconds);
    const file = path.relative(root, name);
    return [
      `${file} had no answer while the machine stood still for ${lost} of ${whole}; once more:`,
      ...assertionResults.filter(hasFailed).map(({ fullName }) => `  ${fullName}`),
    ].join('\n');
  };
  return testResults.filter(hasFailed).map(explain).join('\n');
}

/** The first report, with the second's result of each file that it ran again, if what failed there was run and passed. */
export function withSecondTry(first: Report, second: Report): Report {
  const again = new Map(second.testResults.map((result) => [result.name, result]));
  return {
    testResults: first.testResults.map((result) => {
      const now = again.get(result.name);
      return now && (hasFailed(now) || isMadeGood(result, now)) ? now : result;
    }),
  };
}

function isMadeGood(before: Result, now: Result): boolean {
  const passed = new Set(
    now.assertionResults.filter(({ status }) => status === 'passed').map(({ fullName }) => fullName),
  );
  return before.assertionResults.filter(hasFailed).every(({ fullName }) => passed.has(fullName));
}

/** A file that does not load, or fails outside of its tests, has no failed test of its own and counts as one. */
export function countTests({ testResults }: Report): { passed: number; failed: number; skipped: number } {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const result of testResults) {
    const {
      passed = [],
      failed = [],
      ...others
    } = Object.groupBy(result.assertionResults, ({ status }) => status);
    counts.passed += passed.length;
    counts.failed += hasFailed(result) ? Math.max(1, failed.length) : 0;
    counts.skipped += Object.values(others).flat().length;
  }
  return counts;
}

const hasFailed = ({ status }: { status: string }) => status === 'failed';
const inSeconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;

function lostMs(window: Standstill, standstills: readonly Standstill[]): number {
  return standstills
    .map(({ from, to }) => Math.min(to, window.to) - Math.max(from, window.from))
    .filter((ms) => ms > 0)
    .reduce((sum, ms) => sum + ms, 0);
}
