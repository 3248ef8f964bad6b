import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Server as LatchkeyServer, openApp } from '../../src/app.ts';
import { leave, openHttpServer } from '../../src/web/http-server.ts';
import { readPlainGet } from '../../src/web/plain-get.ts';
import { openTestServices, type TestServices } from '../support/stores.ts';
import { untilWorks } from '../support/timing.ts';

/** Published documents leave before the HTTP server parses what asks for them; whatever is not quite that is its business. */
describe('answers that are ready', () => {
  let services: TestServices;
  let server: LatchkeyServer;
  let http: ReturnType<typeof openHttpServer>;
  let port: number;
  let seen = 0;

  beforeAll(async () => {
    services = await openTestServices();
    server = await openApp(services);
    http = openHttpServer(
      (req, res) => {
        seen += 1;
        server.answer(req, res);
      },
      { early: server.early },
    ).listen(0, '127.0.0.1');
    await once(http, 'listening');
    port = (http.address() as AddressInfo).port;
    // The first one is the engine's.
    await exchange(get('/jwks'));
    await exchange(get('/.well-known/openid-configuration'));
  });
  afterAll(async () => {
    http.closeAllConnections();
    await server.stop();
    await services.close();
  });

  const host = () => services.settings.issuer.host;
  const get = (path: string, ...more: string[]) =>
    `${[`GET ${path} HTTP/1.1`, `Host: ${host()}`, ...more].join('\r\n')}\r\n\r\n`;

  /** Sends the pieces one after the other on one connection and answers all that came, once there were so many answers. */
  async function exchange(...pieces: string[]): Promise<{ text: string; byParser: number }> {
    const before = seen;
    const socket = connect(port, '127.0.0.1');
    socket.setNoDelay(true);
    let text = '';
    socket.on('data', (piece) => {
      text += piece.toString('latin1');
    });
    for (const [index, piece] of pieces.entries()) {
      socket.write(piece, 'latin1');
      await arrived(socket, () => text.split('HTTP/1.1 ').length > index + 1 && isWhole(text));
    }
    socket.destroy();
    return { text, byParser: seen - before };
  }

  it('come without the HTTP server, and are what it would have answered', async () => {
    for (const path of ['/jwks', '/.well-known/openid-configuration']) {
      const early = await exchange(get(path));
      // An unconditional header that the reader does not know: the long way to the same document.
      const late = await exchange(get(path, 'X-Unknown: 1'));
      expect([early.byParser, late.byParser]).toEqual([0, 1]);
      expect(parts(early.text)).toEqual(parts(late.text));
      expect(headerOf(early.text, 'date')).toMatch(/^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/);
    }
  });

  it('come again and again on one connection, which the HTTP server takes over for the rest', async () => {
    const { text, byParser } = await exchange(
      get('/jwks'),
      get('/.well-known/openid-configuration'),
      get('/healthz'),
      get('/jwks'),
    );
    expect(text.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(4);
    expect(byParser).toBe(2);
  });

  it('are not given to what could be read in two ways, or asks for more', async () => {
    const mine = `Host: ${host()}`;
    const others = [
      `GET /jwks HTTP/1.0\r\n${mine}\r\n\r\n`,
      `GET /jwks HTTP/1.1\r\nHost: evil.test\r\n\r\n`,
      `GET /jwks HTTP/1.1\r\n${mine}\r\n${mine}\r\n\r\n`,
      `GET /jwks HTTP/1.1\r\n${mine}\r\nContent-Length: 0\r\n\r\n`,
      `GET /jwks HTTP/1.1\r\n${mine}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      `GET /jwks HTTP/1.1\r\n${mine}\r\nConnection: close\r\n\r\n`,
      `GET /jwks HTTP/1.1\r\n${mine}\r\nIf-None-Match: "x"\r\n\r\n`,
      `GET /jwks HTTP/1.1\r\n${mine}\r\n\r\nGET /jwks HTTP/1.1\r\n${mine}\r\n\r\n`,
      `GET /jwks HTTP/1.1\n${mine}\n\n`,
      `GET /jwks HTTP/1.1\r\n${mine}\r\nAccept:\r\n folded\r\n\r\n`,
      `GET http://${host()}/jwks HTTP/1.1\r\n${mine}\r\n\r\n`,
      `HEAD /jwks HTTP/1.1\r\n${mine}\r\n\r\n`,
    ];
    for (const request of others)
      expect([request, server.early.answerTo(request)]).toEqual([request, undefined]);
    expect(readPlainGet(get('/jwks', 'Accept: */*'))).toEqual({ path: '/jwks', host: host() });
  });

  it('wait for no rest: a piece of a request goes on at the HTTP server', async () => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.on('data', (piece) => {
      text += piece.toString('latin1');
    });
    const whole = get('/jwks');
    const before = seen;
    for (const piece of [whole.slice(0, 7), whole.slice(7, 30), whole.slice(30)]) {
      socket.write(piece);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await arrived(socket, () => isWhole(text));
    socket.destroy();
    expect([text.slice(0, 15), seen - before]).toEqual(['HTTP/1.1 200 OK', 1]);
  });

  it('are no more on one connection than the HTTP server gives, and the last one says so', async () => {
    http.maxRequestsPerSocket = 3;
    const socket = connect(port, '127.0.0.1');
    http.once('connection', () => {
      http.maxRequestsPerSocket = 10_000;
    });
    const [before, closed] = [seen, once(socket, 'close')];
    let text = '';
    socket.on('data', (piece) => {
      text += piece.toString('latin1');
    });
    for (let sent = 1; sent <= 3; sent += 1) {
      socket.write(get('/jwks'));
      await arrived(socket, () => text.split('HTTP/1.1 200 OK').length > sent && isWhole(text));
    }
    await closed;
    expect(text.match(/^connection: .*/gim)).toEqual([
      'Connection: keep-alive',
      'Connection: keep-alive',
      'Connection: close',
    ]);
    expect([text.match(/^keep-alive: /gim)?.length, seen - before]).toEqual([2, 0]);
  });

  it('do not keep a server from leaving', async () => {
    const idle = connect(port, '127.0.0.1');
    const closed = once(idle, 'close');
    idle.write(get('/jwks'));
    await once(idle, 'data');
    idle.resume();
    await leave(http, { notice: 0, most: 20_000 });
    await closed;
  });

  it('do not keep a server from leaving for longer than it waits, if nobody reads them', async () => {
    const other = openHttpServer(server.answer, { early: server.early }).listen(0, '127.0.0.1');
    await once(other, 'listening');
    const connected = once(other, 'connection');
    const slow = connect((other.address() as AddressInfo).port, '127.0.0.1').pause();
    const closed = new Promise((resolve) => slow.once('close', resolve).once('error', resolve));
    const [socket] = (await connected) as [Socket];
    // One at a time, until what is between the two is full and an answer stays here.
    while (socket.writableLength === 0) {
      const read = once(socket, 'data');
      slow.write(get('/.well-known/openid-configuration'));
      await read;
    }
    await leave(other, { notice: 0, most: 300 });
    slow.resume();
    await closed;
    expect(socket.destroyed).toBe(true);
  });
});

async function arrived(socket: Socket, enough: () => boolean): Promise<void> {
  await untilWorks(5000, async () => {
    if (!enough()) throw new Error(`not yet: ${socket.bytesRead} bytes`);
  });
}

/** The last answer in it has come whole. */
function isWhole(text: string): boolean {
  const last = text.slice(text.lastIndexOf('HTTP/1.1 '));
  const end = last.indexOf('\r\n\r\n');
  return end > 0 && last.length - end - 4 >= Number(headerOf(last, 'content-length') ?? 0);
}

function headerOf(text: string, name: string): string | undefined {
  return new RegExp(`^${name}: (.*)\r$`, 'im').exec(text)?.[1];
}

function parts(text: string): { head: string[]; body: string } {
  const end = text.indexOf('\r\n\r\n');
  const head = text.slice(0, end).split('\r\n');
  return { head: head.filter((line) => !/^date:/i.test(line)).sort(), body: text.slice(end) };
}
