import type { IncomingMessage } from 'node:http';
import { parse } from 'node:querystring';

/** What asks for more than the plain protocol: another site's script, a proof of possession, a body in pieces. */
const unusual = [
  'origin',
  'dpop',
  'oauth-client-attestation',
  'oauth-client-attestation-pop',
  'transfer-encoding',
  'content-encoding',
  'expect',
];

/** By the headers alone: a request for this host with nothing about it that the engine would have to look at. */
export function isPlain({ headers, rawHeaders }: IncomingMessage, host: string): boolean {
  if (headers.host !== host) return false;
  for (const name of unusual) if (headers[name] !== undefined) return false;
  let hosts = 0;
  let authorizations = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = (rawHeaders[at] ?? '').toLowerCase();
    if (name === 'host') hosts += 1;
    else if (name === 'authorization') authorizations += 1;
  }
  return hosts === 1 && authorizations <= 1;
}

const mostBytes = 8192;
const formTypes = new Set([
  'application/x-www-form-urlencoded',
  'application/x-www-form-urlencoded;charset=utf-8',
  'application/x-www-form-urlencoded; charset=utf-8',
]);

/**
 * The members of a form whose whole body has arrived, each named once and with a value. The body is put back, so that
 * the engine can read it as if nobody had. Undefined for anything else.
 */
export async function peekForm(req: IncomingMessage): Promise<Record<string, string> | undefined> {
  const length = Number(req.headers['content-length']);
  if (!(length > 0 && length <= mostBytes)) return undefined;
  if (!formTypes.has((req.headers['content-type'] ?? '').toLowerCase())) return undefined;
  if (req.readableLength < length) await new Promise((ready) => req.once('readable', ready));
  const body = req.readableLength === length ? (req.read(length) as Buffer | null) : null;
  if (!body) return undefined;
  // In the same turn: once the stream has said that it ended nothing can be put back.
  req.unshift(body);
  return plainMembers(body.toString('utf8'));
}

function plainMembers(text: string): Record<string, string> | undefined {
  const members = parse(text);
  for (const name in members) {
    const value = members[name];
    if (typeof value !== 'string' || value === '') return undefined;
  }
  return members as Record<string, string>;
}
