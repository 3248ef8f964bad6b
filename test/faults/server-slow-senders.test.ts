import { once } from 'node:events';
import type { Server as HttpServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openApp, type Server } from '../../src/app.ts';
import { openHttpServer, patience } from '../../src/web/http-server.ts';
import { openTestServices, type TestServices } from '../support/stores.ts';
import { timed, untilWorks } from '../support/timing.ts';
import { type Answer, send } from '../support/wire.ts';

/** Senders that are slow, or send more than anybody needs (misuse cases HT-01, HT-03, reliability F21). */
/** Node hangs up on too large a head at once, and the answer is sometimes lost with the connection: asked again then. */
async function statusOf(ask: () => Promise<Answer>): Promise<number> {
  return (await untilWorks(5000, ask)).value.status;
}

describe('senders without manners', () => {
  let services: TestServices;
  let server: Server;
  let http: HttpServer;
  let port: number;
  const short = { headers: 400, request: 800, keepAlive: 2000, lookEvery: 50 };
  const complaints: string[] = [];

  beforeAll(async () => {
    services = await openTestServices();
    server = await openApp(services);
    const { log } = services;
    log.error = (members: object, sentence: string) =>
      complaints.push(`${sentence} ${JSON.stringify(members)}`);
    http = openHttpServer(server.answer, { early: server.early, patience: short }).listen(0, '127.0.0.1');
    await once(http, 'listening');
    port = (http.address() as AddressInfo).port;
  });
  afterAll(async () => {
    http.close();
    http.closeAllConnections();
    await server.stop();
    await services.close();
  });

  const head =
    'POST /token HTTP/1.1\r\nHost: localhost:3000\r\nContent-Type: application/x-www-form-urlencoded\r\n';

  /** Sends the beginning at once, then a byte now and then; answers what came back and when it was cut. */
  async function drips(beginning: string, byte: string): Promise<{ text: string; ms: number }> {
    let text = '';
    const closed = new Promise<void>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => socket.write(beginning));
      const drip = setInterval(() => socket.writable && socket.write(byte), 100);
      socket.on('data', (bytes) => {
        text += bytes;
      });
      socket.on('error', () => undefined);
      socket.on('close', () => {
        clearInterval(drip);
        resolve();
      });
    });
    const { ms } = await timed(() => closed);
    return { text, ms };
  }

  const page = () => send('http://localhost:3000/healthz', { port });

  it('are cut: headers in drips, a body in drips, a body that never comes', async () => {
    const [headers, body, silent, page404] = await Promise.all([
      drips('GET /jwks HTTP/1.1\r\nHost: localhost:3000\r\nX: ', 'x'),
      drips(`${head}Content-Length: 100000\r\n\r\ngrant_type=`, 'x'),
      drips(`${head}Content-Length: 100\r\n\r\n`, ''),
      drips(`${head.replace('/token', '/account/sign-out')}Transfer-Encoding: chunked\r\n\r\n`, '1\r\nx\r\n'),
    ]);
    for (const { text, ms } of [headers, body, silent, page404]) {
      expect(text).toMatch(/^(HTTP\/1\.1 (408|403|303|503|400) .*|)/);
      expect(ms).toBeLessThan(3000);
    }
    expect(complaints).toEqual([]);
    expect((await page()).status).toBe(200);
  });

  it('do not keep others waiting, hundreds of them at once', async () => {
    const many = Array.from({ length: 300 }, (_, at) =>
      at % 2 === 0 ? drips('GET / HTTP/1.1\r\nX: ', 'x') : drips(`${head}Content-Length: 9999\r\n\r\n`, 'x'),
    );
    await sleep(100);
    const { value, ms } = await timed(page);
    expect(value).toMatchObject({ status: 200 });
    expect(ms).toBeLessThan(1000);
    const cut = await Promise.all(many);
    expect(Math.max(...cut.map((one) => one.ms))).toBeLessThan(4000);
    expect(complaints).toEqual([]);
  });

  it('are told that it is too much: cookies, addresses, headers, bodies', async () => {
    const big = 'a'.repeat(17_000);
    const url = 'http://localhost:3000/jwks';
    expect(await statusOf(() => send(url, { port, headers: { cookie: `session=${big}` } }))).toBe(431);
    expect(await statusOf(() => send(`${url}?${big}`, { port }))).toBe(431);
    const odd = Object.fromEntries(Array.from({ length: 300 }, (_, at) => [`x-header-${at}`, 'x']));
    expect((await send(url, { port, headers: odd })).status).toBe(200);
    // 16 KiB of cookies are the browser's own trouble; 15 are not.
    const answer = await send(url, { port, headers: { cookie: `session=${'a'.repeat(15_000)}` } });
    expect(answer.status).toBe(200);
    for (let times = 0; times < 5; times += 1) {
      const { value, error } = await timed(() =>
        send('http://localhost:3000/token', {
          port,
          body: 'x'.repeat(10 * 1024 * 1024),
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
        }),
      );
      // Ten megabytes are not read to their end, so the answer may be lost with the connection.
      // The engine calls it 400; within the minute of the drips, this address's failures are used up as well.
      if (error === undefined) expect([400, 413, 429]).toContain((value as Answer).status);
    }
    expect(complaints).toEqual([]);
    expect((await page()).status).toBe(200);
  });

  it('have these many seconds in earnest', () => {
    expect(patience).toEqual({ headers: 10_000, request: 20_000, keepAlive: 75_000, lookEvery: 1000 });
  });
});
