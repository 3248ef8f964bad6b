/**
 * On a machine that stands still for half a second at a time a server answers 503 to what its stores did not answer in
 * time, as it promises to, and honest tests fail. The process that waits for the tests has nothing else to do, so it knows
 * when the machine stood still. Files that failed in such a time are run once more, and the run says so; any other failure
 * is final.
 */
import path from 'node:path';

/** In milliseconds of the epoch: when this process was to look at its watch, and when it could. */
export type Standstill = { from: number; to: number };

/** What is read of Jest's report of a run (`--json`); its times are of the epoch, and 0 where a file did not load. */
export type Report = {
  testResults: {
    name: string;
    status: string;
    startTime: number;
    endTime: number;
    assertionResults: { status: string; fullName: string }[];
  }[];
};
type Result = Report['testResults'][number];

const beatMs = 20;
// Who sleeps is woken within some milliseconds where others keep all processors busy.
const longMs = 250;
// A race that was won twice is no matter of time, however often it goes well afterwards.
const isFinal = /[\\/]test[\\/]races[\\/]/;
// More than this is none either.
const mostFiles = 10;

const now = () => performance.timeOrigin + performance.now();

export function watchMachine(): { standstills: Standstill[]; end(): void } {
  const standstills: Standstill[] = [];
  let last = now();
  const timer = setInterval(() => {
    const at = now();
    if (at - last > beatMs + longMs) standstills.push({ from: last, to: at });
    last = at;
  }, beatMs);
  return { standstills, end: () => clearInterval(timer) };
}

/** The files that failed, where each of them ran while the machine stood still and none is of the races; otherwise none. */
export function worthSecondTry({ testResults }: Report, standstills: readonly Standstill[]): string[] {
  const failed = testResults.filter(hasFailed);
  const all = failed.every((result) => !isFinal.test(result.name) && lostMs(result, standstills) > 0);
  return all && failed.length <= mostFiles ? failed.map(({ name }) => name) : [];
}

/** What failed at first, and how long the machine stood still meanwhile. */
export function explainSecondTry(
  { testResults }: Report,
  standstills: readonly Standstill[],
  root: string,
): string {
  const explain = (result: Result) => {
    const [lost, whole] = [lostMs(result, standstills), result.endTime - result.startTime].map(inSeconds);
    const titles = result.assertionResults.filter(hasFailed).map(({ fullName }) => `  ${fullName}`);
    const file = path.relative(root, result.name);
    return [
      `${file} failed while the machine stood still for ${lost} of ${whole}; once more:`,
      ...titles,
    ].join('\n');
  };
  return testResults.filter(hasFailed).map(explain).join('\n');
}

/** The first report, with the second's results of the files that it ran again. */
export function withSecondTry(first: Report, second: Report): Report {
  const again = new Map(second.testResults.map((result) => [result.name, result]));
  return { testResults: first.testResults.map((result) => again.get(result.name) ?? result) };
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

function lostMs({ startTime, endTime }: Result, standstills: readonly Standstill[]): number {
  return standstills
    .map(({ from, to }) => Math.min(to, endTime) - Math.max(from, startTime))
    .filter((ms) => ms > 0)
    .reduce((sum, ms) => sum + ms, 0);
}
