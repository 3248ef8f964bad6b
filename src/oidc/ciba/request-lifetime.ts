import type { KoaContextWithOIDC } from 'oidc-provider';

/** Seconds: what the app wishes, if it is neither too short for a person nor longer than anybody would remember. */
export function requestLifetime(ctx: KoaContextWithOIDC): number {
  const wished = Number(ctx.oidc.params?.['requested_expiry'] ?? 300);
  return Math.min(Math.max(wished, 30), 600);
}
