import type { AccessToken, KoaContextWithOIDC, UnknownObject } from 'oidc-provider';
import { currentContext } from '../engine-context.ts';

/** What an access token was issued from. */
type Source = {
  acr?: string;
  authTime?: number;
  claims?: { id_token?: Record<string, unknown> };
};

/**
 * `acr` and `auth_time` of an access token, for APIs that ask for a level or a recent sign-in (RFC 9470 section 6): in a JWT
 * always; in the record of an opaque one, which introspection tells, where the app asked for either, since every byte there
 * is kept as often as there are tokens.
 */
export function levelOfToken(_ctx: KoaContextWithOIDC, token: object): UnknownObject | undefined {
  const { kind, format } = token as AccessToken & { format?: string };
  if (kind !== 'AccessToken') return undefined;
  const source = sourceOf(currentContext()?.oidc?.entities ?? {});
  if (!source?.authTime) return undefined;
  const asked = source.claims?.id_token ?? {};
  if (format !== 'jwt' && !('acr' in asked) && !('auth_time' in asked)) return undefined;
  return { acr: source.acr, auth_time: source.authTime };
}

function sourceOf(entities: object): Source | undefined {
  const known = entities as Record<string, Source | undefined>;
  return known['AuthorizationCode'] ?? known['RefreshToken'] ?? known['DeviceCode'];
}
