import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { freePort } from '../support/servers.mjs';
import {
  endStartedServers,
  folderUntilEnd,
  openKept,
  openLate,
  startServerProcess,
  untilLeaving,
  untilReady,
} from '../support/started-server.ts';
import { openWorld } from '../support/world.ts';

/** The server as a process of its own, from the command that an operator types to the signal that ends it. */
// Processes start slowly on a machine that runs several suites at once.
const slow = 300_000;

afterEach(endStartedServers);

/** New connections are taken no more. */
async function untilRefused(port: number): Promise<void> {
  for (const giveUpAt = Date.now() + 120_000; Date.now() < giveUpAt; await sleep(20)) {
    const socket = connect(port, '127.0.0.1');
    const refused = await Promise.race([
      once(socket, 'connect').then(() => false),
      once(socket, 'error').then(() => true),
    ]).catch(() => true);
    socket.destroy();
    if (refused) return;
  }
  throw new Error('it still takes connections');
}

describe('the server process', () => {
  it(
    'does not start without the pepper that passwords were hashed with (KR-07)',
    async () => {
      const folder = folderUntilEnd();
      const [lost, other] = ['a', 'b'].map((letter) => letter.repeat(43));
      const world = await openWorld({ DATA_DIR: folder.path, PASSWORD_PEPPER: String(lost) });
      await world.account();
      await world.close();
      for (const pepper of [{}, { PASSWORD_PEPPER: String(other) }]) {
        const server = await startServerProcess({ DATA_DIR: folder.path, ...pepper });
        expect([await server.ended, server.said()]).toEqual([
          1,
          expect.stringContaining('PASSWORD_PEPPER lacks'),
        ]);
      }
      const found = await startServerProcess({ DATA_DIR: folder.path, PASSWORD_PEPPER: `${other},${lost}` });
      await untilReady(found);
    },
    slow,
  );

  it(
    'finishes what is under way when it is told to stop, and leaves with 0',
    async () => {
      const server = await startServerProcess();
      await untilReady(server);
      const late = await openLate(server);
      server.child.kill('SIGTERM');
      await untilLeaving(server);
      expect(await late.finish()).toBe(400);
      expect(await server.ended).toBe(0);
    },
    slow,
  );

  it(
    'takes signals that come together for one (npx passes on what it gets too), and a later one for haste',
    async () => {
      const server = await startServerProcess();
      await untilReady(server);
      const late = await openLate(server);
      for (const signal of ['SIGINT', 'SIGTERM'] as const) server.child.kill(signal);
      await untilLeaving(server);
      expect(await late.finish()).toBe(400);
      expect(await server.ended).toBe(0);

      const hasty = await startServerProcess();
      await untilReady(hasty);
      await openLate(hasty);
      hasty.child.kill('SIGINT');
      await untilLeaving(hasty);
      await sleep(1500);
      const askedAt = performance.now();
      hasty.child.kill('SIGINT');
      expect(await hasty.ended).toBe(1);
      // Long before it stops to wait for the request.
      expect(performance.now() - askedAt).toBeLessThan(5000);
    },
    slow,
  );

  it(
    'hangs up on no proxy that may be sending: each connection that is kept carries one more request',
    async () => {
      const server = await startServerProcess({
        ISSUER: 'https://login.example.test',
        SMTP_URL: 'smtp://127.0.0.1:1',
      });
      await untilReady(server);
      const answeredAndLetGo = /^HTTP\/1.1 200 .*\r\nconnection: close\r\n/is;
      const kept = await Promise.all([openKept(server.port), openKept(server.port)]);
      for (const connection of kept) expect(await connection.ask()).not.toMatch(/^connection: close/im);
      server.child.kill('SIGTERM');
      // Not ready any more, but asked all the same.
      await untilLeaving(server);
      expect(await kept[0]?.ask()).toMatch(answeredAndLetGo);
      await untilRefused(server.port);
      expect(await kept[1]?.ask()).toMatch(answeredAndLetGo);
      expect(await server.ended).toBe(0);
    },
    slow,
  );

  it(
    'says in one sentence why it does not start, and leaves with 1',
    async () => {
      const first = await startServerProcess();
      await untilReady(first);
      const second = await startServerProcess({ PORT: new URL(first.origin).port });
      expect(await second.ended).toBe(1);
      expect(second.said()).toContain('is taken by another program');

      const wrong = await startServerProcess({
        ISSUER: 'http://sign-in.example.com/',
        SESSION_IDLE_DAYS: 'many',
      });
      expect(await wrong.ended).toBe(1);
      expect(wrong.said()).toMatch(/ISSUER: must be an https origin/);
      expect(wrong.said()).toMatch(/SESSION_IDLE_DAYS: must be a whole number/);
      expect(wrong.said()).not.toMatch(/\.ts:\d/);
    },
    slow,
  );

  it.each([
    ['a folder that is a file', { DATA_DIR: 'package.json' }, /DATA_DIR: cannot be used: EEXIST at /],
    ['an address of another machine', { HOST: '192.0.2.1' }, /^HOST: 192\.0\.2\.1 is no address of this/m],
  ])(
    'says in one sentence that it does not start with %s',
    async (_what, settings, sentence) => {
      const server = await startServerProcess(settings);
      expect(await server.ended).toBe(1);
      expect(server.said()).toMatch(sentence);
      expect(server.said()).not.toMatch(/\.ts:\d/);
    },
    slow,
  );

  it(
    'names the file that is damaged, and says where only to whoever asks',
    async () => {
      const folder = folderUntilEnd();
      await writeFile(path.join(folder.path, 'live.db'), Buffer.alloc(9000, 'x'));
      const server = await startServerProcess({ DATA_DIR: folder.path });
      expect(await server.ended).toBe(1);
      expect(server.said()).toMatch(/live\.db is damaged \(file is not a database\)\. Bring it back/);
      expect(server.said()).not.toMatch(/\.ts:\d/);
      const asked = await startServerProcess({ DATA_DIR: folder.path, LATCHKEY_DEBUG: '1' });
      expect(await asked.ended).toBe(1);
      expect(asked.said()).toMatch(/sqlite-file\.ts:\d/);
    },
    slow,
  );

  it(
    'tells its numbers on the port for metrics and nowhere else',
    async () => {
      const metricsPort = await freePort();
      const server = await startServerProcess({ METRICS_PORT: String(metricsPort) });
      await untilReady(server);
      await fetch(`${server.origin}/jwks`);
      const told = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
      expect(told).toMatch(/latchkey_http_requests_total\{route="jwks",method="GET",status="200"\} 1/);
      expect((await fetch(`${server.origin}/metrics`)).status).toBe(404);
    },
    slow,
  );
});
