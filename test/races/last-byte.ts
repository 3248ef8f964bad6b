import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Requests that arrive together: each is sent up to its last byte on a keep-alive connection of its own, and then all
 * last bytes leave in one tick. On loopback they land within less than a millisecond; sent whole, one after the other,
 * most races never show.
 */
export type Asked = {
  path: string;
  headers?: Record<string, string>;
  /** Makes it a POST of a form. */
  form?: Record<string, string> | URLSearchParams;
};
export type Answer = { status: number; head: string; body: string };

/** A request that waits for its last byte. */
export type Loaded = { fire(): Promise<Answer> };

export type Node = {
  port: number;
  load(asked: Asked): Promise<Loaded>;
  /** The whole request at once, and again while a store is too busy: for what prepares a race or looks back at it. */
  ask(asked: Asked): Promise<Answer>;
  close(): void;
};

const patienceMs = 90_000;
/** The server hangs up on who says nothing for 75 seconds, and may do so while we write. */
const idleMs = 20_000;

/** The connections to one server. `host` is the issuer's, as a proxy passes it on. */
export function openNode({ port, host }: { port: number; host: string }): Node {
  const idle: { socket: Socket; since: number }[] = [];
  const all = new Set<Socket>();

  async function take(): Promise<Socket> {
    for (let kept = idle.pop(); kept; kept = idle.pop()) {
      const { socket, since } = kept;
      if (socket.destroyed || socket.readableEnded) continue;
      if (performance.now() - since < idleMs) return socket;
      socket.destroy();
    }
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    all.add(socket);
    socket.on('error', () => socket.destroy()).on('close', () => all.delete(socket));
    await once(socket, 'connect');
    return socket;
  }

  async function load(asked: Asked): Promise<Loaded> {
    const socket = await take();
    const text = Buffer.from(requestText(host, asked));
    socket.write(text.subarray(0, -1));
    return {
      async fire() {
        socket.write(text.subarray(-1));
        const answer = await readAnswer(socket, asked);
        if (/\r\nconnection: close/i.test(answer.head)) socket.destroy();
        else idle.push({ socket, since: performance.now() });
        return answer;
      },
    };
  }

  return {
    port,
    load,
    async ask(asked) {
      for (let tries = 0; ; tries += 1) {
        const answer = await (await load(asked)).fire();
        if (!isBusy(answer) || tries === 20) return answer;
        await sleep(250);
      }
    },
    close() {
      for (const socket of all) socket.destroy();
    },
  };
}

function readAnswer(socket: Socket, { path }: Asked): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let received = '';
    const late = setTimeout(() => end(new Error(`no answer within ${patienceMs} ms: ${path}`)), patienceMs);
    const onClose = () => end(new Error(`the server hung up: ${path}`));
    const onData = (chunk: Buffer) => {
      // One character a byte, so that lengths are lengths.
      received += chunk.toString('latin1');
      const answer = parse(received);
      if (answer) end(answer);
    };
    function end(result: Answer | Error): void {
      clearTimeout(late);
      socket.off('data', onData).off('close', onClose);
      if (result instanceof Error) {
        socket.destroy();
        reject(result);
      } else resolve(result);
    }
    socket.on('data', onData).on('close', onClose);
  });
}

function parse(received: string): Answer | undefined {
  const end = received.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const head = received.slice(0, end);
  const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
  const status = Number(head.slice(9, 12));
  if (length === undefined && status !== 204) throw new Error(`an answer without a length:\n${head}`);
  const body = received.slice(end + 4);
  if (body.length < Number(length ?? 0)) return undefined;
  return { status, head, body: Buffer.from(body, 'latin1').toString() };
}

function requestText(host: string, { path, headers = {}, form }: Asked): string {
  const body = form && new URLSearchParams(form).toString();
  const type = 'application/x-www-form-urlencoded';
  const sized =
    body === undefined ? {} : { 'content-type': type, 'content-length': String(Buffer.byteLength(body)) };
  const lines = Object.entries({ host, ...headers, ...sized }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  return `${body === undefined ? 'GET' : 'POST'} ${path} HTTP/1.1\r\n${lines.join('')}\r\n${body ?? ''}`;
}

/** 503 with Retry-After: a store that did not answer in time. */
export function isBusy({ status, head }: Answer): boolean {
  return status === 503 && /\r\nretry-after: \d/i.test(head);
}

export function headersOf({ head }: Pick<Answer, 'head'>, name: string): string[] {
  return [...head.matchAll(new RegExp(`\\r\\n${name}: ([^\\r]*)`, 'gi'))].map(([, value]) => value ?? '');
}

/** Where a 303 leads; '' when the answer leads nowhere. */
export function locationOf(answer: Pick<Answer, 'head'>): string {
  return headersOf(answer, 'location')[0] ?? '';
}

/** A parameter of the redirect, such as `code`. */
export function redirected(answer: Pick<Answer, 'head'>, parameter: string): string | undefined {
  const location = locationOf(answer);
  if (!URL.canParse(location)) return undefined;
  return new URL(location).searchParams.get(parameter) ?? undefined;
}

/** The JSON of an answer; empty when it is a page. */
export function jsonOf({ body }: Pick<Answer, 'body'>): Record<string, unknown> {
  try {
    return JSON.parse(body);
  } catch {
    return {};
  }
}

let addresses = 0;

/** An address that nobody else in this run has: nobody uses up another's limits. */
export function newAddress(): string {
  addresses += 1;
  return `10.${(addresses >> 16) & 255}.${(addresses >> 8) & 255}.${addresses & 255}`;
}
