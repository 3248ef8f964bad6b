import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { freePort } from '../support/servers.mjs';
import { serverPlace, testFolder } from '../support/stores.ts';

/** The server as a process of its own, from the command that an operator types to the signal that ends it. */
type Running = { child: ChildProcess; origin: string; said: () => string; ended: Promise<number | null> };

const program = path.resolve('bin/latchkey.mjs');
const running: ChildProcess[] = [];
const folders: { remove(): void }[] = [];
afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
  for (const folder of folders.splice(0)) folder.remove();
});

async function start(settings: Record<string, string> = {}): Promise<Running> {
  const port = settings['PORT'] ?? String(await freePort());
  const folder = testFolder();
  folders.push(folder);
  const origin = `http://localhost:${port}`;
  const child = spawn(process.execPath, [program, 'start'], {
    env: { PATH: process.env['PATH'], DATA_DIR: folder.path, ISSUER: origin, PORT: port, ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.push(child);
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (text) => {
      said += text;
    });
  const ended = once(child, 'exit').then(([code]) => code as number | null);
  return { child, origin, said: () => said, ended };
}

async function untilReady({ origin, said }: Running): Promise<void> {
  for (const giveUpAt = Date.now() + 30_000; Date.now() < giveUpAt; await sleep(50)) {
    const answer = await fetch(`${origin}/readyz`).catch(() => undefined);
    if (answer?.ok) return;
  }
  throw new Error(`not ready: ${said()}`);
}

describe('the server process', () => {
  it('finishes what is under way when it is told to stop, and leaves with 0', async () => {
    const server = await start();
    await untilReady(server);
    // A request whose body is still on its way when the signal comes.
    const slow = request(`${server.origin}/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', 'content-length': '24' },
    });
    slow.write('grant_type=');
    await sleep(200);
    server.child.kill('SIGTERM');
    await sleep(300);
    slow.end('refresh_token');
    const [answer] = await once(slow, 'response');
    expect(answer.statusCode).toBe(400);
    answer.resume();
    expect(await server.ended).toBe(0);
  }, 60_000);

  it('says in one sentence why it does not start, and leaves with 1', async () => {
    const first = await start();
    await untilReady(first);
    const second = await start({ PORT: new URL(first.origin).port });
    expect(await second.ended).toBe(1);
    expect(second.said()).toContain('is taken by another program');

    const wrong = await start({ ISSUER: 'http://sign-in.example.com/', SESSION_IDLE_DAYS: 'many' });
    expect(await wrong.ended).toBe(1);
    expect(wrong.said()).toMatch(/ISSUER: must be an https origin/);
    expect(wrong.said()).toMatch(/SESSION_IDLE_DAYS: must be a whole number/);
    expect(wrong.said()).not.toMatch(/ at .*\.ts:\d/);
  }, 60_000);

  it('tells its numbers on the port for metrics and nowhere else', async () => {
    const metricsPort = await freePort();
    const server = await start({ METRICS_PORT: String(metricsPort) });
    await untilReady(server);
    await fetch(`${server.origin}/jwks`);
    const told = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
    expect(told).toMatch(/latchkey_http_requests_total\{route="jwks",method="GET",status="200"\} 1/);
    expect((await fetch(`${server.origin}/metrics`)).status).toBe(404);
  }, 60_000);
});

const servers = process.env['TEST_POSTGRES_URL'] && process.env['TEST_REDIS_URL'] ? describe : undefined;
servers?.('several server processes', () => {
  it('share a port, count together, start anew what dies, and leave together', async () => {
    const place = await serverPlace();
    const metricsPort = await freePort();
    const server = await start({
      WORKERS: '2',
      METRICS_PORT: String(metricsPort),
      DATABASE_URL: place.at.url ?? '',
      REDIS_URL: process.env['TEST_REDIS_URL'] ?? '',
      SECRETS_KEY: Buffer.alloc(32, 9).toString('base64url'),
      COOKIE_KEYS: 'a-cookie-key-for-tests-of-more-than-32-characters',
      LOG_LEVEL: 'info',
    });
    await untilReady(server);
    const pids = () =>
      [...server.said().matchAll(/"pid":(\d+),.*"listening"/g)].map(([, pid]) => Number(pid));
    for (let tries = 0; pids().length < 2 && tries < 200; tries += 1) await sleep(50);
    const [first] = pids();
    process.kill(Number(first), 'SIGKILL');
    for (let tries = 0; pids().length < 3 && tries < 200; tries += 1) await sleep(50);
    expect(new Set(pids()).size).toBe(3);
    await fetch(`${server.origin}/jwks`);
    const told = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
    expect(told).toContain('latchkey_http_requests_total{route="jwks",method="GET",status="200"}');
    server.child.kill('SIGTERM');
    expect(await server.ended).toBe(0);
    await place.remove();
  }, 60_000);
});
