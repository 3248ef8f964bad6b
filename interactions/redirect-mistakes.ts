import { everybodysHosts } from '../clients/registry/sector.ts';

/** How a redirect URI that was sent differs from those that are registered, and which of them a stranger may be shown. */
export type Mistake =
  | 'missing'
  | 'fragment'
  | 'scheme'
  | 'slash'
  | 'case'
  | 'query'
  | 'encoding'
  | 'port'
  | 'www'
  | 'path'
  | 'host';

const differences: [Mistake, (text: string) => string][] = [
  ['scheme', (text) => text.replace(/^https?:/i, '')],
  ['slash', (text) => text.replace(/\/(?=$|\?)/, '')],
  ['case', (text) => text.toLowerCase()],
  ['query', (text) => text.replace(/\?.*$/s, '')],
  ['encoding', decoded],
  ['port', (text) => text.replace(/^([a-z][a-z0-9+.-]*:\/\/[^/?:]*):\d+/i, '$1')],
  ['www', (text) => text.replace(/^(https?:\/\/)www\./i, '$1')],
];

/** The first way in which it would be one of them; the plainest ways first. */
export function mistakeIn(sent: string | undefined, registered: readonly string[]): Mistake {
  if (sent === undefined || sent === '') return 'missing';
  if (sent.includes('#')) return 'fragment';
  for (const [mistake, without] of differences)
    if (registered.some((one) => without(one) === without(sent))) return mistake;
  const host = hostOf(sent);
  return host !== undefined && host !== '' && registered.some((one) => hostOf(one) === host)
    ? 'path'
    : 'host';
}

const mostShown = 8;

/**
 * Redirect URIs are no secret: each stands in the address of everybody who signs in there. But a list of them may name hosts
 * within a company that nobody outside has heard of; those are counted and not named, unless it is that host that asked.
 */
export function publicOnes(
  registered: readonly string[],
  sent: string | undefined,
): { shown: string[]; hidden: number } {
  const own = sent === undefined ? undefined : hostOf(sent);
  const near = (uri: string) => (own !== undefined && hostOf(uri) === own ? 0 : 1);
  const shown = registered
    .filter((uri) => near(uri) === 0 || isPublic(hostOf(uri)))
    .sort((one, other) => near(one) - near(other))
    .slice(0, mostShown);
  return { shown, hidden: registered.length - shown.length };
}

function isPublic(host: string | undefined): boolean {
  if (host === undefined || everybodysHosts.includes(host)) return true;
  return host.includes('.') && !/\.(internal|intranet|local|localdomain|lan|corp|home|private)$/.test(host);
}

/** Every character that could hide or turn others around is written out. */
export function spelledOut(uri: string): string {
  const cut = uri.length > 600 ? `${uri.slice(0, 600)}…` : uri;
  return cut.replace(/[^\x20-\x7e…]/gu, (letter) => `\\u{${letter.codePointAt(0)?.toString(16)}}`);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function hostOf(uri: string): string | undefined {
  return URL.canParse(uri) ? new URL(uri).hostname : undefined;
}
