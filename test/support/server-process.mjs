/**
 * The life of a server that a test starts: found on this machine, run in a folder of its own, ended by its process id.
 * Where setpriv exists the kernel ends it with the process that started it, so that not even kill -9 leaves one behind.
 */
import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
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

/** A loopback port for a server that is yet to start, and may be killed and started again: nobody else is given it. */
export async function freePort() {
  const [port] = await freePorts(1);
  return port;
}

/** Several at once, all different. The port after each is free as well. */
export async function freePorts(count) {
  const ports = [];
  while (ports.length < count) {
    const port = 4 * Math.floor((lowest + Math.random() * (highest() - lowest)) / 4);
    if (await reserve(port)) ports.push(port);
  }
  return ports;
}

const lowest = 12_000;

/**
 * Below the ports that the kernel gives to whoever asks for any (port 0, connections to others): it gives away one that
 * nobody listens at yet, or while its server is down.
 */
function highest() {
  const range = '/proc/sys/net/ipv4/ip_local_port_range';
  const first = fs.existsSync(range) ? Number.parseInt(fs.readFileSync(range, 'utf8'), 10) : 0;
  return first > lowest + 5000 ? first - 4 : 32_000;
}

/** Keeps the number for the life of this process, by a socket of UDP: TCP does not mind it, others who reserve do. */
async function reserve(port) {
  const marker = createSocket('udp4').unref();
  const taken = await outcome(marker, 'listening', () =>
    marker.bind({ port, address: '127.0.0.1', exclusive: true }),
  );
  if (taken === 'EADDRINUSE' || !((await isFree(port)) && (await isFree(port + 1)))) {
    if (!taken) marker.close();
    return false;
  }
  return true;
}

async function isFree(port) {
  const server = createServer();
  const taken = await outcome(server, 'listening', () => server.listen(port, '127.0.0.1'));
  if (!taken) await once(server.close(), 'close');
  return !taken;
}

/** The code of the error that came, or undefined when `event` did. */
function outcome(emitter, event, begin) {
  const ended = new Promise((resolve) => {
    emitter.once(event, () => resolve(undefined)).once('error', ({ code }) => resolve(code));
  });
  begin();
  return ended;
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
      if (child.exitCode !== null || tries > 900) {
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
