import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { send } from '../../test/support/wire.ts';
import { spawnGuarded } from './guarded.ts';

/** One server of the bed: `latchkey start` as an operator types it, in a process of its own that a recipe may end. */
export type ServerNode = {
  name: string;
  port: number;
  readonly pid: number;
  /** Every process id that it ever had, the newest last: how a recipe proves that it was really ended. */
  pids: readonly number[];
  start(): Promise<void>;
  /** kill -9; resolves when it is gone. */
  kill(): Promise<void>;
  /** SIGTERM; resolves with its exit code. Killed after `mostMs`. */
  term(mostMs?: number): Promise<number | null>;
  /** What it holds right now; undefined while it does not run. */
  holds(): Holds | undefined;
  /** What it wrote to its log so far. */
  said(): string;
};
type Holds = { files: number; rssMiB: number };

const program = path.join(import.meta.dirname, '../../bin/latchkey.mjs');

export function openNode({
  name,
  port,
  folder,
  environment,
}: {
  name: string;
  port: number;
  folder: string;
  environment: Record<string, string>;
}): ServerNode {
  const logFile = path.join(folder, `${name}.log`);
  const pids: number[] = [];
  let child: ChildProcess | undefined;
  const running = () => child !== undefined && child.exitCode === null && child.signalCode === null;

  async function end(signal: NodeJS.Signals, mostMs: number): Promise<number | null> {
    if (!child || !running()) return child?.exitCode ?? null;
    const ended = once(child, 'exit');
    child.kill(signal);
    const hard = setTimeout(() => child?.kill('SIGKILL'), mostMs);
    await ended;
    clearTimeout(hard);
    return child.exitCode;
  }

  return {
    name,
    port,
    get pid() {
      return child?.pid ?? 0;
    },
    pids,
    async start() {
      const log = openSync(logFile, 'a');
      child = spawnGuarded([process.execPath, program, 'start'], {
        env: {
          PATH: process.env['PATH'],
          TZ: 'UTC',
          NODE_ENV: 'production',
          ...environment,
          PORT: String(port),
        },
        stdio: ['ignore', log, log],
      });
      closeSync(log);
      pids.push(child.pid ?? 0);
      await untilReady(port, () => running() || fail(name, logFile));
    },
    kill: async () => void (await end('SIGKILL', 5000)),
    term: (mostMs = 20_000) => end('SIGTERM', mostMs),
    holds: () => (running() ? readHolds(child?.pid ?? 0) : undefined),
    said: () => readFileSync(logFile, 'utf8'),
  };
}

async function untilReady(port: number, alive: () => boolean): Promise<void> {
  for (const giveUpAt = Date.now() + 60_000; Date.now() < giveUpAt && alive(); await sleep(50)) {
    const answer = await send(`http://127.0.0.1:${port}/readyz`).catch(() => undefined);
    if (answer?.status === 200) return;
  }
  throw new Error(`nobody is ready on port ${port}`);
}

function fail(name: string, logFile: string): never {
  throw new Error(`${name} did not start:\n${readFileSync(logFile, 'utf8').slice(-2000)}`);
}

/** Open files and sockets, and memory, as Linux tells them. */
function readHolds(pid: number): Holds {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kib = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0);
  return { files: readdirSync(`/proc/${pid}/fd`).length, rssMiB: Math.round(kib / 1024) };
}
