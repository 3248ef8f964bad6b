import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';

/** One request and its answer, with nothing followed, kept or added: what a test says is what is sent. */
export type Answer = {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  /** Parsed, or undefined when it is not JSON. */
  json: Record<string, unknown>;
};

export type Sent = {
  method?: string;
  /** One that is undefined is not sent. */
  headers?: Record<string, string | string[] | undefined>;
  body?: string | Buffer | URLSearchParams;
  /** The port on 127.0.0.1 that stands for the address, where its own is not one that answers. */
  port?: number | undefined;
};

export function send(url: string | URL, { method, headers = {}, body, port }: Sent = {}): Promise<Answer> {
  const { host, pathname, search, port: ownPort } = new URL(url);
  const isForm = body instanceof URLSearchParams;
  const text = isForm ? body.toString() : body;
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      hostname: '127.0.0.1',
      port: port ?? ownPort,
      path: `${pathname}${search}`,
      method: method ?? (text === undefined ? 'GET' : 'POST'),
      headers: {
        host,
        ...(isForm ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
        ...(text === undefined ? {} : { 'content-length': String(Buffer.byteLength(text)) }),
        ...Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined)),
      },
    });
    request.on('error', reject);
    request.on('response', (response) => readAnswer(response).then(resolve, reject));
    request.end(text);
  });
}

async function readAnswer(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk);
  const { statusCode: status = 0, headers } = response;
  const text = Buffer.concat(chunks).toString();
  return { status, headers, text, json: parsed(text) };
}

/** Sends the headers, and the body only when the server has begun with the request and `meanwhile` is over. */
export function sendKeptBack(
  url: string | URL,
  { headers, body, port, meanwhile }: Omit<Sent, 'body'> & { body: string; meanwhile: () => Promise<void> },
): Promise<Answer> {
  const { host, pathname } = new URL(url);
  const length = { 'content-length': String(Buffer.byteLength(body)) };
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      ...{ hostname: '127.0.0.1', port, path: pathname, method: 'POST' },
      headers: { ...headers, ...length, host, expect: '100-continue' } as Record<string, string>,
    });
    request.on('error', reject);
    request.on('continue', () => {
      meanwhile().then(() => request.end(body), reject);
    });
    request.on('response', (response) => readAnswer(response).then(resolve, reject));
    request.flushHeaders();
  });
}

function parsed(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

let addresses = 0;

/** An address on the internet that nobody else in this test file has. */
export function newAddress(): string {
  addresses += 1;
  return `198.51.${100 + (addresses >> 8)}.${addresses & 255}`;
}
