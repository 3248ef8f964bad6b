import type { ServerResponse } from 'node:http';
import type { Services } from '../../services.ts';
import { fixedHeaders } from '../../web/security-headers.ts';

/** `refused`: the app made a mistake, which counts against its address. */
export type Answer = {
  status: number;
  body: object;
  headers?: Record<string, string>;
  refused?: boolean;
};

/** Sends an answer with the headers that the engine and our middlewares give it on the other way. */
export function openSend({
  settings,
}: Pick<Services, 'settings'>): (res: ServerResponse, answer: Answer) => void {
  const always = Object.entries({
    ...fixedHeaders({ settings }),
    'cache-control': 'no-store',
    Vary: 'Origin',
    'Access-Control-Allow-Origin': '*',
    'Content-Type': 'application/json; charset=utf-8',
  }).flat();
  return (res, { status, body, headers }) => {
    const text = JSON.stringify(body);
    const more = headers ? Object.entries(headers).flat() : [];
    const length = Buffer.byteLength(text);
    res.writeHead(status, [...always, ...more, 'Content-Length', String(length)]);
    // Where every character is one byte it need not be encoded.
    res.end(text, length === text.length ? 'latin1' : 'utf8');
  };
}
