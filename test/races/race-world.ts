import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { type OpenServices, openServices } from '../../src/services.ts';
import { readSettings } from '../../src/settings.ts';
import { openDatabase } from '../../src/store/database.ts';
import { migrate } from '../../src/store/migrate.ts';
import type { Database } from '../../src/store/tables.ts';
import { patienceMs, patient } from '../support/patience.ts';
import { findProgram, freePort } from '../support/servers.mjs';
import type { RaceStores } from './kinds.ts';
import { type Node, openNode } from './last-byte.ts';

/**
 * Two server processes, started as an operator starts them (`latchkey start`), on ports of their own and on the same
 * stores, and two desks: what the operator's command line has open, for verbs that no page offers.
 */
export type RaceWorld = {
  /** Which stores: a column of the report. */
  kind: string;
  issuer: string;
  nodes: readonly [Node, Node];
  desks: readonly [OpenServices, OpenServices];
  /** Everything in the live state, by its keys. For what the port does not tell: what is there that should not be. */
  liveKeys(): Promise<string[]>;
  /** Two connections to records of the same kind that no server uses. */
  recordsBeside(): Promise<readonly [Database, Database]>;
  /** What the servers complained of so far: they log errors only. */
  complaints(): string[];
  /** Something made once for the whole world, such as an app of all rounds. */
  once<Made>(name: string, make: () => Promise<Made>): Promise<Made>;
  close(): Promise<void>;
};

const program = path.resolve(import.meta.dirname, '../../bin/latchkey.mjs');

export async function openRaceWorld(stores: RaceStores): Promise<RaceWorld> {
  const ports = [await freePort(), await freePort()] as const;
  const issuer = `http://localhost:${ports[0]}`;
  const common = {
    ISSUER: issuer,
    LOG_LEVEL: 'error',
    // The proof of work that pages ask for under pressure: this is nothing else.
    CHALLENGE_BITS: '0',
    // Few, so that twenty sign-ins at once are far more.
    SESSIONS_PER_ACCOUNT: '8',
    // So that each request can have an address of its own, and nobody uses up another's limits.
    TRUSTED_PROXIES: '127.0.0.1',
    ...patient,
  };
  const complaints: string[] = [];
  const servers = ports.map((port) =>
    startServer({ ...common, ...stores.environment, PORT: String(port) }, complaints),
  );
  const closing: (() => Promise<void> | void)[] = [() => stores.close()];
  const close = async () => {
    for (const one of closing.splice(0).reverse()) await one();
  };
  closing.push(async () => {
    await Promise.all(servers.map(stopServer));
  });
  try {
    for (const port of ports) await untilReady(port, complaints);
    const desk = () => openServices(readSettings({ ...common, ...stores.direct }));
    const desks = [await desk(), await desk()] as const;
    closing.push(
      () => desks[0].close(),
      () => desks[1].close(),
    );
    const { host } = new URL(issuer);
    const nodes = [openNode({ port: ports[0], host }), openNode({ port: ports[1], host })] as const;
    closing.push(
      () => nodes[0].close(),
      () => nodes[1].close(),
    );
    const made = new Map<string, Promise<unknown>>();
    return {
      kind: stores.kind,
      issuer,
      nodes,
      desks,
      liveKeys: () => stores.liveKeys(),
      recordsBeside: () => recordsBeside(stores, closing),
      complaints: () => complaints,
      once<Made>(name: string, make: () => Promise<Made>) {
        const known = made.get(name) ?? make();
        made.set(name, known);
        return known as Promise<Made>;
      },
      close,
    };
  } catch (problem) {
    await close();
    throw problem;
  }
}

async function recordsBeside(
  stores: RaceStores,
  closing: (() => Promise<void> | void)[],
): Promise<readonly [Database, Database]> {
  const place = await stores.placeBeside();
  closing.push(() => place.remove());
  const first = await openDatabase({ ...place.at, patient: true });
  await migrate(first);
  await first.destroy();
  const at = { ...place.at, timeoutMs: patienceMs };
  const dbs = [await openDatabase(at), await openDatabase(at)] as const;
  closing.push(...dbs.map((db) => () => db.destroy()));
  return dbs;
}

function startServer(settings: Record<string, string>, complaints: string[]): ChildProcess {
  // Where setpriv is, the kernel ends it with us, however we end.
  const guard = findProgram('setpriv');
  const command = [process.execPath, program, 'start'];
  const [file = '', ...rest] = guard ? [guard, '--pdeathsig', 'SIGKILL', '--', ...command] : command;
  const child = spawn(file, rest, {
    env: { PATH: process.env['PATH'], TZ: 'UTC', NODE_ENV: 'production', ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // Whole lines: one that came in two pieces would be judged by half of what it says.
  for (const input of [child.stdout, child.stderr])
    if (input) createInterface({ input }).on('line', (line) => line && complaints.push(line));
  return child;
}

async function stopServer(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

async function untilReady(port: number, complaints: string[]): Promise<void> {
  for (const giveUpAt = Date.now() + 120_000; Date.now() < giveUpAt; await sleep(50)) {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined);
    if (answer?.ok) return;
  }
  throw new Error(`the server is not ready: ${complaints.join('\n')}`);
}
