import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { patient } from './patience.ts';
import { freePort } from './servers.mjs';
import { testFolder } from './stores.ts';

/** `latchkey start` as an operator types it, as a process of its own whose words and end are seen. */
export type StartedServer = {
  child: ChildProcess;
  origin: string;
  port: number;
  said: () => string;
  ended: Promise<number | null>;
};

const program = path.resolve(import.meta.dirname, '../../bin/latchkey.mjs');
const running: ChildProcess[] = [];
const folders: { remove(): void }[] = [];

/** For afterEach: whatever a test has left. */
export function endStartedServers(): void {
  for (const child of running.splice(0)) child.kill('SIGKILL');
  for (const folder of folders.splice(0)) folder.remove();
}

/** A folder that is there until the servers are ended. */
export function folderUntilEnd(): { path: string } {
  const folder = testFolder();
  folders.push(folder);
  return folder;
}

export async function startServerProcess(
  settings: Record<string, string> = {},
  node = process.execPath,
): Promise<StartedServer> {
  const port = settings['PORT'] ?? String(await freePort());
  const folder = folderUntilEnd();
  const origin = `http://localhost:${port}`;
  const child = spawn(node, [program, 'start'], {
    env: {
      PATH: process.env['PATH'],
      DATA_DIR: folder.path,
      ISSUER: origin,
      PORT: port,
      ...patient,
      ...settings,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.push(child);
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (text) => {
      said += text;
    });
  const ended = once(child, 'exit').then(([code]) => code as number | null);
  return { child, origin, port: Number(port), said: () => said, ended };
}

export async function untilReady({ origin, said, ended }: StartedServer): Promise<void> {
  let running = true;
  void ended.then(() => {
    running = false;
  });
  for (const giveUpAt = Date.now() + 120_000; running && Date.now() < giveUpAt; await sleep(50)) {
    const answer = await fetch(`${origin}/readyz`).catch(() => undefined);
    if (answer?.ok) return;
  }
  throw new Error(`not ready: ${said()}`);
}

/** It has heard that it is to stop. */
export async function untilLeaving({ origin }: StartedServer): Promise<void> {
  for (const giveUpAt = Date.now() + 120_000; Date.now() < giveUpAt; await sleep(5)) {
    const answer = await fetch(`${origin}/readyz`).catch(() => undefined);
    if (!answer?.ok) return;
  }
  throw new Error('it does not leave');
}

/** A request that is under way: its body is not all there. `finish` sends the rest and answers the status, or undefined. */
export async function openLate({
  origin,
}: StartedServer): Promise<{ finish(): Promise<number | undefined> }> {
  const late = request(`${origin}/token`, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': '24',
      // The server says that it has the head (RFC 9110 section 10.1.1).
      expect: '100-continue',
    },
  });
  late.flushHeaders();
  await once(late, 'continue');
  late.write('grant_type=');
  const status = once(late, 'response').then(
    ([answer]) => answer.resume().statusCode as number,
    () => undefined,
  );
  return {
    finish() {
      late.end('refresh_token');
      return status;
    },
  };
}

/** A connection as a proxy keeps it: it asks, and leaves it open. `ask` answers nothing once the other side has closed it. */
export type KeptConnection = { ask(path?: string): Promise<string>; close(): void };

export async function openKept(port: number): Promise<KeptConnection> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  let closed = false;
  // What went wrong shows by the close that follows.
  socket
    .on('error', () => {})
    .once('close', () => {
      closed = true;
    });
  return {
    async ask(asked = '/healthz') {
      if (closed) return '';
      const answer = new Promise<string>((resolve) => {
        socket.once('data', (bytes) => resolve(String(bytes))).once('close', () => resolve(''));
      });
      socket.write(`GET ${asked} HTTP/1.1\r\nHost: localhost:${port}\r\n\r\n`);
      return answer;
    },
    close: () => void socket.destroy(),
  };
}
