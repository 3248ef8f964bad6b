/**
 * The life of a server that a test starts: found on this machine, run in a folder of its own, ended by its process id.
 * Where setpriv exists the kernel ends it with the process that started it, so that not even kill -9 leaves one behind.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { createServer } from 'node:net';
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
  const [port] = await freePorts(1);
  return port;
}

/** Several at once, all different. */
export async function freePorts(count) {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}

export async function runServer({ url, port, folder, user, command, endSignal, lastSignal, isReady }) {
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

export function openFolder(prefix, given, owner) {
  if (given) return { path: given, remove() {} };
  const made = fs.mkdtempSync(path.join(os.tmpdir(), prefix));
  if (owner) fs.chownSync(made, owner.uid, owner.gid);
  return { path: made, remove: () => fs.rmSync(made, { recursive: true, force: true, maxRetries: 5 }) };
}
