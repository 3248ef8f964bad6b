import { connect } from 'node:net';
import type { Answer } from '../../support/wire.ts';

/**
 * A request as its bytes, for what no HTTP library would send. Reads until the server closes, which `Connection: close`
 * asks it to. An answer of status 0 is a connection that was cut without one.
 */
export function sendRaw(port: number, bytes: string | Buffer, { patienceMs = 60_000 } = {}): Promise<Answer> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
    const end = () => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answerIn(Buffer.concat(chunks)));
    };
    const timer = setTimeout(end, patienceMs);
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.once('close', end).once('error', end);
  });
}

/** `GET /path` with this Host and these headers, each line as it is written here. */
export function rawGet(target: string, headers: readonly string[], method = 'GET'): string {
  return `${[`${method} ${target} HTTP/1.1`, ...headers, 'Connection: close'].join('\r\n')}\r\n\r\n`;
}

function answerIn(bytes: Buffer): Answer {
  const text = bytes.toString();
  const [head = '', ...rest] = text.split('\r\n\r\n');
  const [statusLine = '', ...lines] = head.split('\r\n');
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  const body = rest.join('\r\n\r\n');
  const content = headers['transfer-encoding'] === 'chunked' ? unchunked(body) : body;
  let json: Record<string, unknown> = {};
  try {
    json = JSON.parse(content);
  } catch {}
  return { status: Number(statusLine.split(' ')[1] ?? 0), headers, text: content, json };
}

function unchunked(body: string): string {
  return body.replace(/(?:^|\r\n)[0-9a-f]+\r\n/gi, '');
}
