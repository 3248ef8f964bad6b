import type { Outcome } from '../../src/kit/outcome.ts';
import { refused } from '../../src/kit/outcome.ts';
import type { Settings } from '../../src/settings.ts';
import { fetchBytes, wayTo } from '../../src/web/egress.ts';
import { webAddressProblem } from './redirect-uris.ts';
import { metadataOf } from './self-told.ts';

// The draft recommends 5 kB.
const mostDocumentBytes = 5 * 1024;

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
): Promise<Outcome<{ metadata: Record<string, unknown> }, 'not_there' | 'unreachable'>> {
  const fetched = await fetchBytes(context, {
    url: new URL(clientId),
    mostBytes: mostDocumentBytes,
    accept: 'application/json',
  });
  if (!fetched.ok) {
    const later = fetched.reason === 'unreachable' || fetched.reason === 'too_slow';
    return refused(later ? 'unreachable' : 'not_there');
  }
  const said = parsed(fetched.bytes);
  const shared = String(said?.['token_endpoint_auth_method'] ?? '').startsWith('client_secret');
  if (said?.['client_id'] !== clientId || 'client_secret' in said || shared) return refused('not_there');
  return { ok: true, metadata: { token_endpoint_auth_method: 'none', ...metadataOf(said) } };
}

function parsed(bytes: Buffer): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
