import { isIP } from 'node:net';
import type { Settings } from '../settings.ts';

/**
 * Who we are to an authenticator (WebAuthn section 4, "Relying Party Identifier"): ONE name for all pages, from the settings
 * and never from a request. A key is made for this name for good, so that changing it orphans every passkey.
 */
export type RelyingParty = {
  /** A domain: the issuer's host, or RP_ID. */
  id: string;
  name: string;
  /** The one origin where our pages are, and so the one whose ceremonies we believe. */
  origin: string;
  /** Every origin that may use this name, ours among them: what /.well-known/webauthn says. */
  relatedOrigins: readonly string[];
  /** Whether nobody else uses the name. Where others may, a key unknown to us may be theirs (see passkeys in 0018). */
  alone: boolean;
};

type Named = Pick<Settings, 'ISSUER' | 'RP_ID' | 'WEBAUTHN_ORIGINS' | 'BRAND_NAME' | 'issuer'>;

/** Undefined where browsers have no passkeys: an issuer that is a bare address. */
export function relyingParty(settings: Named): RelyingParty | undefined {
  const { hostname } = new URL(settings.ISSUER);
  const id = settings.RP_ID ?? hostname;
  if (isIP(hostname.replace(/^\[|\]$/g, '')) !== 0) return undefined;
  const { origin } = settings.issuer;
  return {
    id,
    name: settings.BRAND_NAME,
    origin,
    relatedOrigins: [...new Set([origin, ...settings.WEBAUTHN_ORIGINS])],
    alone: id === hostname && settings.WEBAUTHN_ORIGINS.length === 0,
  };
}
