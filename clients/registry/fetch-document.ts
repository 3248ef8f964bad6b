import type { Settings } from '../../src/settings.ts';
import { fetchBytes, wayTo } from '../../src/web/egress.ts';
import { jsonIn } from './fetched-json.ts';
import { webAddressProblem } from './redirect-uris.ts';
import { metadataOf } from './self-told.ts';

// The draft recommends 5 kB.
const mostDocumentBytes = 5 * 1024;

/** `problem` is said to the makers of the app, after the words "its document". */
export type ReadDocument =
  | { ok: true; metadata: Record<string, unknown> }
  | { ok: false; reason: 'not_there' | 'unreachable'; problem: string };

// Of a host that is ours alone nobody learns that it exists.
const fetchProblems = {
  not_allowed: 'is at an address from which nothing is fetched.',
  not_public: 'could not be reached.',
  unreachable: 'could not be reached.',
  too_slow: 'did not come in time.',
  redirected: 'is answered with a redirect, which is not followed.',
  not_there: 'is not answered with status 200.',
  too_large: 'is larger than 5 kB. Shorten it.',
} as const;

/**
 * Whether an id is an address that a document could be at (OAuth Client ID Metadata Document, draft, section 3): https with
 * a path, no fragment, user name or dot segments, written as a browser sends it.
 */
export function isDocumentAddress(
  clientId: string,
  settings: Pick<Settings, 'ALLOW_LOOPBACK_FETCH'>,
): boolean {
  if (!/^https?:\/\//.test(clientId) || clientId.length > 256) return false;
  if (webAddressProblem(clientId) !== undefined) return false;
  const url = new URL(clientId);
  return url.pathname !== '/' && wayTo(url, settings) !== 'none';
}

/** That of a host, or of one above it, which an operator does not want apps of. */
export function isBlocked(
  clientId: string,
  { CLIENT_ID_METADATA_BLOCKED_HOSTS: blocked }: Pick<Settings, 'CLIENT_ID_METADATA_BLOCKED_HOSTS'>,
): boolean {
  const { hostname } = new URL(clientId);
  return blocked.some((host) => hostname === host || hostname.endsWith(`.${host}`));
}

/**
 * What the document says of the app. `unreachable`: nobody knows what it says today. `not_there`: it is gone, or is not
 * what such a document must be: it names its own address, and no secret, which it would tell everybody.
 */
export async function fetchDocument(
  context: Parameters<typeof fetchBytes>[0],
  clientId: string,
): Promise<ReadDocument> {
  const fetched = await fetchBytes(context, {
    url: new URL(clientId),
    mostBytes: mostDocumentBytes,
    accept: 'application/json',
  });
  if (!fetched.ok) {
    const later = fetched.reason === 'unreachable' || fetched.reason === 'too_slow';
    return { ok: false, reason: later ? 'unreachable' : 'not_there', problem: fetchProblems[fetched.reason] };
  }
  const notThere = (problem: string) => ({ ok: false, reason: 'not_there', problem }) as const;
  if (!isJson(fetched.type))
    return notThere('is not served as application/json. Set its Content-Type to that.');
  const said = objectIn(fetched.bytes);
  if (!said) return notThere('is not a JSON object.');
  if (said['client_id'] !== clientId)
    return notThere('does not name this very address as its client_id. Write it there letter by letter.');
  const shared = String(said['token_endpoint_auth_method'] ?? '').startsWith('client_secret');
  if ('client_secret' in said || shared)
    return notThere('has a secret, which everybody could read. Use none or private_key_jwt.');
  return { ok: true, metadata: { token_endpoint_auth_method: 'none', ...metadataOf(said) } };
}

/** Or a kind of it. Where people leave files or write pages they choose the text, and seldom what it is served as. */
function isJson(type: string): boolean {
  return /^application\/([\w.-]+\+)?json\s*(;|$)/i.test(type);
}

function objectIn(bytes: Buffer): Record<string, unknown> | undefined {
  const value = jsonIn(bytes);
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject ? (value as Record<string, unknown>) : undefined;
}
