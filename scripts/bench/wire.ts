import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/**
 * One keep-alive HTTP/1.1 connection that sends prepared text and reads the answer with as little work as can be: the
 * load comes from the machine that is measured, and what the generator burns the server does not get.
 */
export type Answered = { status: number; head: string; body: string };
export type Wire = { send(request: string): Promise<Answered>; close(): void };

export async function openWire(port: number): Promise<Wire> {
  let socket = await open(port);
  return {
    async send(request) {
      // A server closes a connection after so many requests; a browser and a proxy then open another.
      if (socket.destroyed || socket.readableEnded) socket = await open(port);
      const answered = await ask(socket, request);
      if (/\r\nconnection: close/i.test(answered.head)) socket.destroy();
      return answered;
    },
    close: () => socket.destroy(),
  };
}

async function open(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  await once(socket, 'connect');
  return socket;
}

function ask(socket: Socket, request: string): Promise<Answered> {
  return new Promise((resolve, reject) => {
    let received = '';
    const done = (settle: () => void) => {
      socket.off('data', onData).off('error', onEnd).off('close', onEnd);
      settle();
    };
    const onEnd = () => done(() => reject(new Error(`the server hung up; it had said: ${received}`)));
    const onData = (chunk: Buffer) => {
      // One character a byte, so that lengths are lengths; nothing here reads letters beyond ASCII.
      received += chunk.toString('latin1');
      const answered = parse(received);
      if (answered) done(() => resolve(answered));
    };
    socket.on('data', onData).on('error', onEnd).on('close', onEnd);
    socket.write(request, 'latin1');
  });
}

function parse(received: string): Answered | undefined {
  const end = received.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const head = received.slice(0, end);
  const status = Number(head.slice(9, 12));
  const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
  if (length === undefined && status !== 204) throw new Error(`an answer without a length:\n${head}`);
  const body = received.slice(end + 4);
  return body.length >= Number(length ?? 0) ? { status, head, body } : undefined;
}

export type Asked = {
  path: string;
  headers?: Record<string, string>;
  /** Makes it a POST of a form. */
  form?: Record<string, string>;
};

/** The text of a request. `host` is the issuer's, as a proxy passes it on. */
export function requestText(host: string, { path, headers = {}, form }: Asked): string {
  const body = form && new URLSearchParams(form).toString();
  const lines = Object.entries({
    host,
    ...headers,
    ...(body === undefined
      ? {}
      : {
          'content-type': 'application/x-www-form-urlencoded',
          'content-length': String(Buffer.byteLength(body)),
        }),
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${body === undefined ? 'GET' : 'POST'} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body ?? ''}`;
}

/** The answer's header; undefined when it has none. */
export function headerOf({ head }: Answered, name: string): string | undefined {
  return new RegExp(`\\r\\n${name}: ([^\\r]*)`, 'i').exec(head)?.[1];
}
