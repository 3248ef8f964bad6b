/**
 * Runs before `npm start`, `npm test` and `npm run check`: installs what package-lock.json names when node_modules does
 * not hold it yet. Only built-ins, and any Node from 20 on, because this is the first thing that runs on a fresh clone.
 *
 *   node scripts/ready.mjs          what the server needs; node_modules made with --omit=dev is good enough
 *   node scripts/ready.mjs --dev    and what the tests and checks need
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

const root = path.join(import.meta.dirname, '..');
const lock = path.join(root, '.installing');
const withDev = process.argv.includes('--dev');

if (!isReady()) await installAlone();

/**
 * npm writes what it installed into node_modules/.package-lock.json as its last step. Comparing that with the lock file
 * needs no stamp of ours, survives a git checkout (which changes file times), and sees an install that was cut short.
 */
function isReady() {
  const wanted = readPackages('package-lock.json');
  const present = readPackages('node_modules/.package-lock.json');
  if (!wanted) throw new Error('package-lock.json is missing or unreadable');
  if (!present) return false;
  return Object.entries(wanted).every(([place, { version, dev, optional, devOptional }]) => {
    // Optional packages are for one kind of machine each; npm knows which of them this machine gets.
    if (place === '' || optional || devOptional || (dev && !withDev)) return true;
    return present[place]?.version === version && fs.existsSync(path.join(root, place));
  });
}

function readPackages(file) {
  try {
    return JSON.parse(fs.readFileSync(path.join(root, file), 'utf8')).packages;
  } catch {
    return undefined;
  }
}

/** Two commands may be started at once on a fresh clone, and npm ci begins by removing node_modules: one waits. */
async function installAlone() {
  for (let said = false; !takeLock(); said = true) {
    if (!said) console.log('Another command is installing the packages; waiting for it...');
    await wait(250);
  }
  try {
    if (!isReady()) install();
  } finally {
    fs.rmSync(lock, { force: true });
  }
}

function takeLock() {
  try {
    fs.writeFileSync(lock, String(process.pid), { flag: 'wx' });
    return true;
  } catch (problem) {
    if (problem.code !== 'EEXIST') throw problem;
    if (!holderLives()) fs.rmSync(lock, { force: true });
    return false;
  }
}

function holderLives() {
  try {
    const { mtimeMs } = fs.statSync(lock);
    const holder = Number(fs.readFileSync(lock, 'utf8'));
    // The file is empty for a moment after it was made.
    if (!holder) return Date.now() - mtimeMs < 5000;
    process.kill(holder, 0);
    return true;
  } catch (problem) {
    return problem.code === 'EPERM';
  }
}

function install() {
  console.log('Installing the packages (once, half a minute or so)...');
  const began = Date.now();
  // None of our packages needs its install script: all of them ship ready-made binaries.
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];
  if (withDev) args.push('--include=dev');
  const npm = process.env.npm_execpath;
  const [program, ...first] = npm?.endsWith('.js') ? [process.execPath, npm] : ['npm'];
  const { status, error } = spawnSync(program, [...first, ...args], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  if (status === 0) {
    console.log(`Installed in ${Math.round((Date.now() - began) / 1000)} s.`);
    return;
  }
  console.error(`The packages could not be installed (npm ci: ${error?.message ?? `status ${status}`}).`);
  console.error('Check that this machine reaches the npm registry, then run the same command again.');
  process.exitCode = 1;
}
