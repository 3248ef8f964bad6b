import type { IncomingMessage } from 'node:http';
import { type Refusal, refusals } from './answer.ts';

type Read = { ok: true; members: Readonly<Record<string, string>> } | { ok: false; refusal: Refusal };

const mostBytes = 56 * 1024;

/**
 * The members of a request's body, as a form or as JSON, which many libraries of this kind send. What is not asked for is
 * not looked at; what is and stands there twice, or is no text, makes the request void (RFC 6749 section 3.2).
 */
export async function readMembers(req: IncomingMessage, wanted: readonly string[]): Promise<Read> {
  const body = await readBody(req);
  if (body === undefined) return { ok: false, refusal: refusals.tooLarge };
  const [type = ''] = (req.headers['content-type'] ?? '').toLowerCase().split(';');
  return type.trim() === 'application/json' ? fromJson(body, wanted) : fromForm(body, wanted);
}

/** Of a query or a form: a `|` may stand there as it is. */
export function fromForm(text: string, wanted: readonly string[]): Read {
  const form = new URLSearchParams(text);
  const members: Record<string, string> = {};
  for (const name of wanted) {
    const [value, ...more] = form.getAll(name);
    if (more.length > 0) return { ok: false, refusal: refusals.invalid(name) };
    // An empty one is as good as none (RFC 6749 section 3.1).
    if (value) members[name] = value;
  }
  return { ok: true, members };
}

function fromJson(text: string, wanted: readonly string[]): Read {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    return { ok: false, refusal: refusals.malformed };
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    return { ok: false, refusal: refusals.malformed };
  const members: Record<string, string> = {};
  for (const name of wanted) {
    const value = Object.hasOwn(given, name) ? (given as Record<string, unknown>)[name] : undefined;
    if (value === undefined || value === null || value === '') continue;
    if (typeof value === 'object' && name === 'scope_data') members[name] = JSON.stringify(value);
    else if (typeof value === 'string') members[name] = value;
    else return { ok: false, refusal: refusals.invalid(name) };
  }
  return { ok: true, members };
}

async function readBody(req: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let received = 0;
  for await (const chunk of req.iterator({ destroyOnReturn: false })) {
    received += chunk.length;
    if (received > mostBytes) return undefined;
    chunks.push(chunk);
  }
  // Some editors and libraries begin their texts with a byte order mark, which is left out (RFC 8259 section 8.1).
  return new TextDecoder().decode(Buffer.concat(chunks));
}
