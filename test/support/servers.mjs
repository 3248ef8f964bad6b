/**
 * Private stores for a test run: a Redis and a PostgreSQL of our own on free loopback ports, with a random password and
 * their data in a temporary folder. Only what was started here is ever stopped, by its process id.
 *
 * scripts/test.mjs starts one of each for a run; a test that kills and restarts a store starts its own.
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { runRedis } from './redis-server.mjs';
import { findProgram, freePort, openFolder, runServer } from './server-process.mjs';

export { startRedisCluster, startRedisSentinel } from './redis-topologies.mjs';
export { findProgram, freePort } from './server-process.mjs';

/**
 * `args` are redis-server options, e.g. ['--appendonly', 'yes']. A given `dir` is kept when it stops. `calm`: it looks after itself
 * once a second, not ten times, for one that waits for a whole run.
 */
export async function startRedis({ port, dir, args, calm = false } = {}) {
  const password = randomBytes(12).toString('hex');
  const lines = calm ? ['hz 1', 'dynamic-hz no'] : [];
  return runRedis({ port: port ?? (await freePort()), password, dir, lines, args });
}

/** `args` are postgres options, e.g. ['-c', 'max_connections=20']. `calm`: its helpers do not wake up in case there is something to do. */
export async function startPostgres({ port, args = [], calm = false } = {}) {
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
  const seldom = ['bgwriter_lru_maxpages=0', 'bgwriter_delay=10s', 'wal_writer_delay=10s'];
  if (calm) quick.push(...seldom, 'checkpoint_timeout=1h', 'max_wal_size=4GB');
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

async function postgresAnswers(url) {
  const { default: pg } = await import('pg');
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5000 });
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
