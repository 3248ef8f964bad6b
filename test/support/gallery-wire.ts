import { type IncomingHttpHeaders, request } from 'node:http';
import { connect } from 'node:net';

export type WireAnswer = { status: number; headers: IncomingHttpHeaders; text: string };

/** One request with exactly these headers: fetch adds its own, Sec-Fetch-Site among them. */
export function answerOf(
  origin: string,
  { method = 'GET', path, headers = {} }: { method?: string; path: string; headers?: Record<string, string> },
): Promise<WireAnswer> {
  return new Promise((resolve, reject) => {
    const asked = request(new URL(origin), { method, path, headers, agent: false }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () =>
        resolve({
          status: answer.statusCode ?? 0,
          headers: answer.headers,
          text: Buffer.concat(chunks).toString('utf8'),
        }),
      );
    });
    asked.on('error', reject);
    asked.end();
  });
}

/** What comes back for bytes that no client library would send. */
export function rawAnswerOf(origin: string, bytes: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(origin).port), '127.0.0.1', () => socket.write(bytes));
    let text = '';
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      text += chunk;
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(text));
  });
}
