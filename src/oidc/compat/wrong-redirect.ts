import type { KoaContextWithOIDC } from 'oidc-provider';

/** What was asked for at an address that is not the app's, for the page that says so. */
export function wrongRedirect({ oidc, query, method }: KoaContextWithOIDC): {
  clientId: string;
  sent: string | undefined;
} {
  const params = (oidc.params ?? (method === 'POST' ? oidc.body : query) ?? {}) as Record<string, unknown>;
  const sent = params['redirect_uri'];
  return { clientId: String(oidc.client?.clientId), sent: typeof sent === 'string' ? sent : undefined };
}
