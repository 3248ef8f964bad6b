import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ben } from '../../src/demo/people.ts';
import { Person } from '../support/person.ts';
import { freePort } from '../support/servers.mjs';
import { send } from '../support/wire.ts';

/** What `npm start` runs once the packages are there, as a process of its own on an empty folder. */
const script = path.join(import.meta.dirname, '../../scripts/demo.mjs');
const slow = 300_000;

let folder: string;
let port: number;
let running: Running | undefined;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'latchkey-start-'));
  port = await freePort();
});
afterAll(async () => {
  await running?.end('SIGKILL');
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

type Running = { said: string; demo: string; end(signal: NodeJS.Signals): Promise<number | null> };

async function start(): Promise<Running> {
  const child: ChildProcess = spawn(process.execPath, [script], {
    env: {
      PATH: process.env['PATH'],
      PORT: String(port),
      ISSUER: `http://localhost:${port}`,
      DATA_DIR: folder,
      LOG_LEVEL: 'warn',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit') as Promise<[number | null]>;
  let said = '';
  const ready = new Promise<void>((resolve, reject) => {
    const hear = (text: Buffer) => {
      said += text;
      if (said.includes('Ctrl-C')) resolve();
    };
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
    void exited.then(() => reject(new Error(`it ended before it was ready:\n${said}`)));
  });
  await ready;
  const [, demo = ''] = /Sign-in demo\s+(\S+)/.exec(said) ?? [];
  return {
    said,
    demo,
    async end(signal) {
      child.kill(signal);
      const [code] = await exited;
      return code;
    },
  };
}

const somebody = () => new Person({ reach: (origin) => Number(new URL(origin).port) });

describe('npm start', () => {
  it(
    'says where everything is, and everything is there',
    async () => {
      running = await start();
      const issuer = `http://localhost:${port}`;
      for (const address of [running.demo, `${issuer}/account`, `${issuer}/dev/outbox`]) {
        expect(running.said).toContain(address);
        expect((await send(address)).status).toBeLessThan(400);
      }
      expect(running.said).toContain('correct-horse-battery');
      expect((await send(`${issuer}/readyz`)).status).toBe(200);
    },
    slow,
  );

  it(
    'keeps people, what they decided and their sessions, also when it is killed',
    async () => {
      const person = somebody();
      await person.goes(running?.demo ?? '');
      await person.presses('Sign in with Latchkey');
      await person.submits({ identifier: ben.email, password: ben.password, remember: 'on' });
      await person.decides('allow');
      expect(person.heading).toBe('Hello, Ben');

      for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
        await running?.end(signal);
        running = await start();
        // The app forgets its own sessions; Latchkey knows the browser and the decision, so nothing is asked.
        await person.goes(running.demo);
        await person.presses('Sign in with Latchkey');
        expect(person.heading).toBe('Hello, Ben');
      }
    },
    slow,
  );

  it(
    'moves the demonstration when its port is taken',
    async () => {
      await running?.end('SIGTERM');
      const other = createServer().listen(port + 1, '127.0.0.1');
      await once(other, 'listening');
      running = await start();
      expect(running.demo).not.toBe(`http://localhost:${port + 1}`);
      const person = somebody();
      await person.goes(running.demo);
      await person.presses('Sign in with Latchkey');
      expect(person.heading).toBe('Sign in');
      other.close();
    },
    slow,
  );

  it(
    'leaves when it is told to, with status 0',
    async () => {
      expect(await running?.end('SIGTERM')).toBe(0);
      running = undefined;
    },
    slow,
  );
});
