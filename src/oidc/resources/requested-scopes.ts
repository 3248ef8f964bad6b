import type { KoaContextWithOIDC } from 'oidc-provider';
import { apiScopeName } from '../../consents/api-scopes.ts';

/** What a request asks a person to allow at APIs, as decisions name it. */
export function requestedApiScopes({ oidc }: KoaContextWithOIDC): string[] {
  const asked = String(oidc.params?.['scope'] ?? '').split(' ');
  return Object.entries(oidc.resourceServers ?? {}).flatMap(([identifier, { scopes }]) =>
    asked.filter((scope) => scopes.has(scope)).map((scope) => apiScopeName(identifier, scope)),
  );
}
