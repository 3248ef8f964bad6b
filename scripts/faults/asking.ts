import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import type { Entry, Intent, Ledger } from './ledger.ts';

/** One request as it is sent, and all that came back. `status` 0: nobody answered. */
export type Form = Record<string, string | readonly string[]>;

export type Asked = {
  path: string;
  headers?: Record<string, string | undefined>;
  /** Makes it a POST of a form. */
  form?: Form;
  /** A node's own port; by the balancer when absent. */
  port?: number;
};
export type Reply = { entry: Entry; status: number; headers: IncomingMessage['headers']; text: string };

/** Asks by the balancer, and writes into the ledger what was meant and what came of it. */
export type Asker = {
  ask(intent: Intent, asked: Asked): Promise<Reply>;
  close(): void;
};

/** Longer than any answer may take: what has not come by then hangs. */
const hangsAfterMs = 5000;

export function openAsker({ ledger, host, port }: { ledger: Ledger; host: string; port: number }): Asker {
  const agent = new Agent({ keepAlive: true });
  return {
    async ask(intent, asked) {
      const answered = ledger.begin(intent);
      const raw = await exchange(agent, { host, port }, asked);
      const node = String(raw.headers['x-served-by'] ?? (asked.port ? `127.0.0.1:${asked.port}` : ''));
      const entry = answered({
        status: raw.status,
        nodes: node.split(', ').filter(Boolean),
        retryAfter: raw.headers['retry-after'] === undefined ? undefined : Number(raw.headers['retry-after']),
        fault: raw.problem ?? faultOf(raw),
      });
      return { entry, ...raw };
    },
    close: () => agent.destroy(),
  };
}

type Raw = Omit<Reply, 'entry'> & { problem?: string | undefined };

function exchange(
  agent: Agent,
  by: { host: string; port: number },
  { path, headers = {}, form, port }: Asked,
): Promise<Raw> {
  const body = form && encoded(form);
  return new Promise((resolve) => {
    const nothing = (problem: string) => resolve({ status: 0, headers: {}, text: '', problem });
    const request = httpRequest({
      agent,
      host: '127.0.0.1',
      port: port ?? by.port,
      path,
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        host: by.host,
        ...(body === undefined ? {} : formHeaders(body)),
        ...Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined)),
      },
    });
    const hanging = setTimeout(() => {
      nothing('hangs');
      request.destroy();
    }, hangsAfterMs);
    request.on('error', (error: NodeJS.ErrnoException) => nothing(error.code ?? error.message));
    request.on('close', () => clearTimeout(hanging));
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', () => nothing('half an answer'));
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
      });
    });
    request.end(body);
  });
}

function encoded(form: Form): string {
  const fields = new URLSearchParams();
  for (const [name, value] of Object.entries(form))
    for (const one of typeof value === 'string' ? [value] : value) fields.append(name, one);
  return fields.toString();
}

function formHeaders(body: string): Record<string, string> {
  return {
    'content-type': 'application/x-www-form-urlencoded',
    'content-length': String(Buffer.byteLength(body)),
  };
}

/** What no answer of ours may be, whatever was asked (I7). */
function faultOf({ status, headers, text }: Raw): string | undefined {
  if (status === 503 && !(Number(headers['retry-after']) > 0)) return '503 without Retry-After';
  const type = headers['content-type'] ?? '';
  // Where an answer sends people elsewhere its body is a courtesy and no page.
  const isPage = type.startsWith('text/html') && (status < 300 || status > 399);
  if (isPage && text !== '' && !/<\/html>\s*$/.test(text)) return 'half a page';
  if (type.includes('json') && !isJson(text)) return 'half of JSON';
  return undefined;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
