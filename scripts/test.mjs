/**
 * npm test: finds or installs what the suites need beside Node, starts private stores for the run, runs
 * Jest with the arguments given, and stops what it started. The last line is always `N passed, N failed`.
 *
 *   npm test                                   everything
 *   npm test -- test/rules/password.test.ts    one file, with only the servers that it mentions
 */
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { needRightNode, root } from './right-node.mjs';

await needRightNode();
const { findProgram, startPostgres, startRedis } = await import('../test/support/servers.mjs');
const { cannotDoWithout, install, parts, wants } = await import('./test-parts.mjs');
const secondTry = await import('./second-try.ts');

const servers = {
  // A database for each world that a suite opens on it (ownRedisDatabase in test/support/stores.ts).
  TEST_REDIS_URL: () => startRedis({ calm: true, args: ['--databases', '1024'] }),
  TEST_POSTGRES_URL: () => startPostgres({ calm: true }),
};

const given = process.argv.slice(2);
const strict = process.env.CI === 'true';
const started = [];
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'latchkey-test-'));
let jest;
let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
  process.on(signal, () => {
    interrupted = true;
    // Its workers too, and the servers that they started: Jest leaves them behind when it is told to end.
    endGroup(jest, signal);
  });

const environment = {
  ...process.env,
  TZ: 'UTC',
  FORCE_COLOR: process.env.FORCE_COLOR ?? (process.stdout.isTTY ? '1' : '0'),
};
// A developer's shell may point at real stores and real mail; a test must never reach them.
for (const name of ['DATABASE_URL', 'REDIS_URL', 'SMTP_URL', 'SMS_URL', 'ISSUER', 'DATA_DIR', 'PORT', 'DEMO'])
  delete environment[name];

// A clone that CI gives an hour and a half also installs and checks; the longest files take some minutes on such a machine, and so does a second try.
const [mostMinutes, stillShare, lookMs] = [50, 0.15, 5000];

let status = 1;
let counts;
let late = [];
const notes = [];
try {
  const files = testFiles(given);
  const wanted = parts.filter((part) => files.some((file) => wants(file, part)));
  const missing = await provide(wanted);
  const leftOut = leaveOut(files, missing);
  if (wanted.length > 0) await prepare();
  if (!interrupted) [status, counts] = await runTests(leftOut);
  for (const part of missing) notes.push(explain(part, leftOut));
  if (strict && missing.length > 0) status = 1;
} catch (problem) {
  if (!interrupted) notes.push(problem.stack ?? String(problem));
} finally {
  await Promise.allSettled(started.map((server) => server.stop()));
  fs.rmSync(folder, { recursive: true, force: true });
}
for (const note of notes) console.log(note);
if (interrupted) console.log('The run was interrupted.');
if (late.length > 0) {
  const files = late.map((file) => path.relative(root, file)).sort();
  console.log(
    `NOT RUN, for want of time on a machine that stands still, ${late.length} files: ${files.join(', ')}`,
  );
}
// Each of them is counted as one that was skipped.
const { passed, failed, skipped } = counts ?? { passed: 0, failed: 1, skipped: 0 };
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exit(status === 0 && failed === 0 && !interrupted ? 0 : 1);

/** A second signal may come when it has ended already, and is not to keep the stores from being stopped. */
function endGroup(child, signal) {
  if (!child?.pid || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, signal);
  } catch (problem) {
    if (problem.code !== 'ESRCH') throw problem;
  }
}

/** The test files that the arguments name by path; all of them where any argument is something else. */
function testFiles(args) {
  const all = ['test', 'clients']
    .flatMap((top) =>
      fs.readdirSync(path.join(root, top), { recursive: true }).map((file) => path.join(root, top, file)),
    )
    .filter((file) => file.endsWith('.test.ts') && !file.includes('node_modules'));
  const paths = args.filter((arg) => !arg.startsWith('-')).map((arg) => path.resolve(arg));
  const named = all.filter((file) => paths.some((p) => file === p || file.startsWith(p + path.sep)));
  return named.length > 0 ? named : all;
}

/** Finds, installs and starts what is wanted, tells the suites where it is, and answers what is still missing. */
async function provide(wanted) {
  const absent = wanted.filter((part) => !part.find());
  if (absent.length > 0) {
    console.log(`Installing ${absent.map((part) => part.name).join(', ')} for the tests...`);
    for (const part of absent) install(part.packages);
  }
  const missing = wanted.filter((part) => !part.find());
  const present = wanted.filter((part) => !missing.includes(part));
  const starts = await Promise.allSettled(
    present.map(async (part) => {
      const server = servers[part.setting];
      if (!server) {
        environment[part.setting] = part.find();
        return;
      }
      const running = await server();
      started.push(running);
      environment[part.setting] = running.url;
    }),
  );
  // Waited for all of them, so that one that fails leaves no other behind that nobody would stop.
  for (const start of starts) if (start.status === 'rejected') throw start.reason;
  return missing;
}

/** What most suites begin with (test/support/prepared-stores.ts). */
async function prepare() {
  const { prepareStores } = await import('../test/support/prepared-stores.ts');
  environment.TEST_PREPARED = path.join(folder, 'prepared');
  const postgres = environment.TEST_POSTGRES_URL;
  await prepareStores(environment.TEST_PREPARED, postgres ? { postgres } : {});
}

function leaveOut(files, missing) {
  return files.filter((file) => missing.some((part) => cannotDoWithout(file, part)));
}

function explain(part, leftOut) {
  const files = leftOut
    .filter((file) => cannotDoWithout(file, part))
    .map((file) => path.relative(root, file));
  const suites = files.length > 0 ? files.join(', ') : `the suites that also run on ${part.name}, on it`;
  const how = part.hint ?? `To get it on Debian: apt-get install ${part.packages.join(' ')}`;
  return `Left out, for ${part.name} is missing here: ${suites}. ${how}`;
}

/**
 * A whole run in CI ends before CI gives it up, where the machine stands still for more than that share of it: what was not
 * begun by then is left out, named and counted (docs/decisions/0035).
 */
function limitTime(machine) {
  const over = path.join(folder, 'time-is-over');
  environment.TEST_OVER = over;
  if (!strict || given.length > 0) return { end() {} };
  const began = Date.now();
  const timer = setInterval(() => {
    const share = machine.lostShare();
    if (Date.now() - began < mostMinutes * 60_000 || share < stillShare || fs.existsSync(over)) return;
    fs.writeFileSync(over, '');
    console.log(
      `The machine stood still for ${inPercent(share)} of ${mostMinutes} minutes: no more files are begun.`,
    );
  }, 10_000);
  return { end: () => clearInterval(timer) };
}

/** Two files side by side take from each other what such a machine leaves: one at a time is answered sooner (0035). */
async function oneAtATime(machine) {
  if (!strict || given.length > 0) return [];
  await sleep(lookMs);
  const share = machine.lostShare();
  if (share < stillShare) return [];
  console.log(`The machine stands still for ${inPercent(share)} of the time: one file is run at a time.`);
  return ['--maxWorkers=1'];
}

/** The files that were not begun in time. */
function notBegun() {
  const over = environment.TEST_OVER;
  if (over === undefined || !fs.existsSync(over)) return [];
  return fs.readFileSync(over, 'utf8').split('\n').filter(Boolean);
}

/** A whole run on a machine that stands still gives its files a second try (second-try.ts); one of some files does not. */
async function runTests(leftOut) {
  // An ignore pattern is a regular expression, so the dots and slashes of a path are taken literally here.
  const ignore = leftOut.map(
    (file) => `--testPathIgnorePatterns=${file.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}$`,
  );
  const machine = secondTry.watchMachine();
  const time = limitTime(machine);
  const alone = await oneAtATime(machine);
  // The ignore patterns come last: Jest reads a path behind such an option as one more pattern, and would run everything.
  const first = await runJest('report.json', [...alone, ...given, ...ignore]);
  machine.end();
  time.end();
  late = notBegun();
  // There is time for a second try.
  delete environment.TEST_OVER;
  if (!first.report) return [first.status];
  const files = given.length === 0 ? secondTry.worthSecondTry(first.report, machine.standstills) : [];
  if (files.length === 0 || interrupted) return [first.status, secondTry.countTests(first.report)];
  notes.push(secondTry.explainSecondTry(first.report, machine.standstills, root));
  console.log(notes.at(-1));
  const second = await runJest('second.json', ['--maxWorkers=1', '--runTestsByPath', ...files]);
  if (!second.report) return [second.status];
  return [second.status, secondTry.countTests(secondTry.withSecondTry(first.report, second.report))];
}

function inPercent(share) {
  return `${Math.round(100 * share)} %`;
}

async function runJest(name, options) {
  const file = path.join(folder, name);
  const args = [`--outputFile=${file}`, '--json', ...options];
  // Where setpriv is, the kernel ends it with us, however we end.
  const guard = findProgram('setpriv');
  const command = [process.execPath, path.join(root, 'node_modules/jest/bin/jest.js'), ...args];
  const [program, ...rest] = guard ? [guard, '--pdeathsig', 'SIGKILL', '--', ...command] : command;
  jest = spawn(program, rest, {
    cwd: root,
    env: environment,
    stdio: ['ignore', 'inherit', 'inherit'],
    detached: true,
  });
  const status = await new Promise((resolve, reject) => {
    jest.once('error', reject);
    jest.once('exit', (code) => resolve(code ?? 1));
  });
  return { status, report: fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : undefined };
}
