import type { ClientOrigin } from './registration.ts';

/**
 * Whose pairwise names an app's people have (OpenID Connect Core section 8.1): those of its company where the operator
 * named one; of the host of its `sector_identifier_uri`; of the one host of its redirect URIs. An app that none of this
 * is true of (private-use schemes, loopback, no redirect URI) is a sector of its own.
 *
 * An app that came by itself says of its redirect URIs what it likes, and may be told of people where nothing is redirected
 * (device codes, CIBA): by naming somebody's host it would learn their names for people. So a host alone joins it to nobody,
 * and a list only where every answer goes to an address on it.
 */
export function sectorOf({
  clientId,
  origin,
  metadata,
}: {
  clientId: string;
  origin: ClientOrigin;
  metadata: {
    company?: string | undefined;
    sector_identifier_uri?: string | undefined;
    redirect_uris: readonly string[];
    grant_types: readonly string[];
  };
}): string {
  const { company, sector_identifier_uri: list, redirect_uris: redirects, grant_types: grants } = metadata;
  if (company) return `company:${company}`;
  const vouchedFor = origin === 'operator';
  const redirected = grants.every((grant) => !grant.startsWith('urn:'));
  if (list && (vouchedFor || redirected)) return new URL(list).host;
  const [host, ...others] = vouchedFor ? redirectHosts(redirects) : [];
  return host !== undefined && others.length === 0 ? host : `app:${clientId}`;
}

/** Of private-use schemes and of loopback, on which everybody's apps run: they name nobody. */
export const everybodysHosts = ['', 'localhost', '127.0.0.1', '[::1]'];

/** Each once, of those that name somebody. */
export function redirectHosts(uris: readonly string[]): string[] {
  const found = uris.filter((uri) => URL.canParse(uri)).map((uri) => new URL(uri));
  return [...new Set(found.filter((url) => !everybodysHosts.includes(url.hostname)).map((url) => url.host))];
}
