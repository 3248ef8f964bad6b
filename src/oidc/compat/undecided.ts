import type { KoaContextWithOIDC } from 'oidc-provider';
import { compatMarker, essentialIn, isAutomatic } from '../../consents/compat-scopes.ts';
import { isFirstParty, requestedOf } from '../grant-minting.ts';
import { isCompatClient } from './token-form.ts';

/**
 * What of a request of this kind is still to be decided: what was never asked, and what was left out once and the app now
 * cannot do without (`scope_data`). Only where a page has something to ask.
 */
export function undecidedOf({ oidc }: KoaContextWithOIDC): string[] {
  const { grant, client, params, result } = oidc;
  if (!client || !isCompatClient(client) || isFirstParty(client)) return [];
  const requested = requestedOf({ oidc } as KoaContextWithOIDC);
  if (!requested.includes(compatMarker)) return [];
  const decided = new Set(grant?.getOIDCScopeEncountered().split(' '));
  const declined = new Set(grant?.getRejectedOIDCScope().split(' '));
  const essential = essentialIn(params?.['scope_data'] as string | undefined);
  const missing = requested.filter(
    (name) => !decided.has(name) || (essential[name] === true && declined.has(name) && !result?.consent),
  );
  return missing.every(isAutomatic) && decided.has(compatMarker) ? [] : missing;
}
