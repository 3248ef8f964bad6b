/**
 * Private stores for a test run: a Redis and a PostgreSQL of our own on free loopback ports, with a random password and
 * their data in a temporary folder. Only what was started here is ever stopped, by its process id. Where setpriv exists
 * the kernel ends them with the process that started them, so that not even kill -9 leaves one behind.
 *
 * scripts/test.mjs starts one of each for a run; a test that kills and restarts a store starts its own.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import { connect, createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/** The full path of a program, or undefined. Debian keeps daemons in sbin and PostgreSQL in a folder per version. */
export function findProgram(...names) {
  const folders = [...(process.env.PATH ?? '').split(path.delimiter), '/usr/sbin', '/usr/local/sbin'];
  const versions = '/usr/lib/postgresql';
  if (fs.existsSync(versions)) {
    const newestFirst = fs.readdirSync(versions).sort((a, b) => Number(b) - Number(a));
    folders.push(...newestFirst.map((version) => path.join(versions, version, 'bin')));
  }
  return names.flatMap((name) => folders.map((folder) => path.join(folder, name))).find(isProgram);
}

function isProgram(file) {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}

/** A loopback port that was free a moment ago. */
export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** `args` are redis-server options, e.g. ['--appendonly', 'yes']. A given `dir` is kept when it stops. */
export async function startRedis({ port, dir, args = [] } = {}) {
  const program = findProgram('redis-server');
  if (!program) throw new Error('redis-server is missing; on Debian: apt-get install redis-server');
  const chosenPort = port ?? (await freePort());
  const folder = openFolder('latchkey-redis-', dir);
  const password = randomBytes(12).toString('hex');
  // The password goes in through a file: arguments can be read by everyone on the machine.
  const file = path.join(folder.path, 'redis.conf');
  const lines = [`requirepass ${password}`, `port ${chosenPort}`, `dir ${folder.path}`, 'bind 127.0.0.1'];
  lines.push('save ""', 'appendonly no', 'databases 64', 'daemonize no');
  fs.writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o600 });
  return runServer({
    url: `redis://:${password}@127.0.0.1:${chosenPort}`,
    port: chosenPort,
    folder,
    command: [program, file, ...args],
    endSignal: 'SIGTERM',
    lastSignal: 'SIGKILL',
    isReady: () => redisAnswers(chosenPort, password),
  });
}

/** `args` are postgres options, e.g. ['-c', 'max_connections=20']. */
export async function startPostgres({ port, args = [] } = {}) {
  const program = findProgram('postgres');
  const initdb = findProgram('initdb');
  if (!program || !initdb) throw new Error('PostgreSQL is missing; on Debian: apt-get install postgresql');
  const chosenPort = port ?? (await freePort());
  const user = unprivilegedUser();
  const folder = openFolder('latchkey-postgres-', undefined, user);
  const data = path.join(folder.path, 'data');
  const password = randomBytes(12).toString('hex');
  const passwordFile = path.join(folder.path, 'password');
  fs.writeFileSync(passwordFile, password, { mode: 0o600 });
  if (user) fs.chownSync(passwordFile, user.uid, user.gid);
  const where = ['-D', data, '-U', 'latchkey', `--pwfile=${passwordFile}`];
  const how = ['-A', 'scram-sha-256', '-E', 'UTF8', '--locale=C', '-N'];
  const made = spawn(initdb, [...where, ...how], { ...user, cwd: folder.path, stdio: 'ignore' });
  const [status] = await once(made, 'exit');
  if (status !== 0) {
    folder.remove();
    throw new Error(`initdb failed with status ${status}`);
  }
  // Nothing here outlives the run, so nothing is worth waiting for the disk.
  const quick = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off', 'max_connections=200'];
  const options = [...quick, 'listen_addresses=127.0.0.1', 'unix_socket_directories='];
  const url = `postgres://latchkey:${password}@127.0.0.1:${chosenPort}/postgres`;
  return runServer({
    url,
    port: chosenPort,
    folder,
    user,
    command: [program, '-D', data, '-p', String(chosenPort), ...options.flatMap((o) => ['-c', o]), ...args],
    // A smart shutdown (SIGTERM) would wait for every client to leave; SIGINT is PostgreSQL's fast shutdown.
    endSignal: 'SIGINT',
    lastSignal: 'SIGINT',
    isReady: () => postgresAnswers(url),
  });
}

async function runServer({ url, port, folder, user, command, endSignal, lastSignal, isReady }) {
  let child;
  let exited;
  async function start() {
    const guard = findProgram('setpriv');
    const [program, ...args] = guard ? [guard, '--pdeathsig', lastSignal, '--', ...command] : command;
    const log = fs.openSync(path.join(folder.path, 'log'), 'a');
    child = spawn(program, args, { ...user, cwd: folder.path, stdio: ['ignore', log, log] });
    fs.closeSync(log);
    const started = child;
    exited = new Promise((resolve) => started.once('exit', resolve).once('error', resolve));
    for (let tries = 0; !(await isReady()); tries += 1) {
      if (child.exitCode !== null || tries > 300) {
        const said = fs.readFileSync(path.join(folder.path, 'log'), 'utf8').slice(-2000);
        await end('SIGKILL');
        throw new Error(`${command[0]} did not start:\n${said}`);
      }
      await wait(tries < 20 ? 25 : 100);
    }
  }
  async function end(signal) {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    // One that a test has frozen must wake up to hear that it should end.
    child.kill('SIGCONT');
    await exited;
  }
  try {
    await start();
  } catch (problem) {
    folder.remove();
    throw problem;
  }
  return {
    url,
    port,
    get pid() {
      return child.pid;
    },
    /** kill -9, data kept. */
    kill: () => end('SIGKILL'),
    /** Ends it if it runs and starts it on the same port and data. */
    async restart() {
      await end(endSignal);
      await start();
    },
    async stop() {
      await end(endSignal);
      folder.remove();
    },
  };
}

function openFolder(prefix, given, owner) {
  if (given) return { path: given, remove() {} };
  const made = fs.mkdtempSync(path.join(os.tmpdir(), prefix));
  if (owner) fs.chownSync(made, owner.uid, owner.gid);
  return { path: made, remove: () => fs.rmSync(made, { recursive: true, force: true, maxRetries: 5 }) };
}

/** PostgreSQL refuses to run as root, so root borrows the account that Debian made for it. */
function unprivilegedUser() {
  if (process.getuid?.() !== 0) return undefined;
  const accounts = fs.readFileSync('/etc/passwd', 'utf8').split('\n');
  for (const name of ['postgres', 'nobody']) {
    const [, , uid, gid] = accounts.find((line) => line.startsWith(`${name}:`))?.split(':') ?? [];
    if (uid && gid) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new Error('PostgreSQL does not run as root, and there is no account "postgres" or "nobody"');
}

function redisAnswers(port, password) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(`AUTH ${password}\r\nPING\r\n`));
    const answer = (yes) => {
      socket.destroy();
      resolve(yes);
    };
    let said = '';
    socket.setTimeout(1000, () => answer(false));
    socket.once('error', () => answer(false)).once('close', () => answer(false));
    socket.on('data', (bytes) => {
      said += bytes;
      if (said.includes('+PONG')) answer(true);
      // Another server may have taken the port in between: it does not know our password.
      if (said.includes('-')) answer(false);
    });
  });
}

async function postgresAnswers(url) {
  const { default: pg } = await import('pg');
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 1000 });
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query('select 1');
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}
