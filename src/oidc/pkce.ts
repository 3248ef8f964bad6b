import type { Client, KoaContextWithOIDC } from 'oidc-provider';
import { isCompatClient } from './compat/token-form.ts';

/**
 * PKCE is asked of every app (RFC 9700 section 2.1.1). An operator may let one that proves itself at the token endpoint do
 * without, for libraries that know no PKCE; what such an app sends of it is checked all the same (section 4.8.2).
 */
export function pkceRequired(_ctx: KoaContextWithOIDC, client: Client): boolean {
  const { require_pkce } = client as { require_pkce?: unknown };
  return (require_pkce !== false && !isCompatClient(client)) || client.tokenEndpointAuthMethod === 'none';
}
