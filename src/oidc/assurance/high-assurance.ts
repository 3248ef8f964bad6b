import type { Client } from 'oidc-provider';

/**
 * Apps of high assurance: the FAPI 2.0 Security Profile, and Message Signing where the app registered that its requests
 * or answers are signed. What such an app must register is held by clients/registry/assurance.ts; what the engine is told
 * of it is forced.ts; what is judged in a request is rules.ts. Senders' proofs: ../senders. The rest of the profile is what
 * every app gets: PKCE with S256, `iss` in the answer, codes of 60 seconds that are good once, 303, no wildcard redirects.
 */
export function isHighAssurance(client: object | undefined): boolean {
  return (client as { high_assurance?: unknown } | undefined)?.high_assurance === true;
}

/** FAPI 2.0 Security Profile section 5.4.1. */
export const strongAlgorithms = ['PS256', 'ES256', 'EdDSA', 'Ed25519'] as const;

/**
 * The engine's own name for it, by which it judges some of the rules itself (a request object needs `nbf` and `exp` within
 * an hour of each other).
 */
export function fapiProfile(_ctx: unknown, client: Client | undefined): '2.0' | undefined {
  return isHighAssurance(client) ? '2.0' : undefined;
}
