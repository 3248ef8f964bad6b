import type { Provider } from 'oidc-provider';
import { type ScopeName, scopeRules, scopes, scopesInOrder } from '../../consents/scopes.ts';

/**
 * The parameter `claims` (OpenID Connect Core section 5.5) names claims one by one. What a person decides stays the scope
 * that a claim belongs to: the consent page shows all its values, and the record says the same word as it shows. So a
 * grant has the claims of its scopes, whether the app asks for them by scope or by name, and a scope that was left out
 * is left out by name too.
 */
export function decideClaimsByScope(provider: Provider): void {
  const { prototype } = provider.Grant as unknown as { prototype: Granted };
  prototype.getOIDCClaims = function (this: Granted) {
    return claimsOf(this.getOIDCScope());
  };
  prototype.getRejectedOIDCClaims = function (this: Granted) {
    return claimsOf(this.getRejectedOIDCScope());
  };
}

type Granted = {
  getOIDCScope(): string;
  getRejectedOIDCScope(): string;
  getOIDCClaims(): string[];
  getRejectedOIDCClaims(): string[];
};

function claimsOf(scope: string): string[] {
  return scopesInOrder(scope.split(' ')).flatMap((name) => scopeRules(name).claims);
}

/** The scopes that have one of these claims. */
export function scopesWith(claims: Iterable<string>): ScopeName[] {
  const wanted = new Set(claims);
  const names = Object.keys(scopes) as ScopeName[];
  // `sub` is what a sign-in is about: nobody decides on it.
  return names.filter(
    (name) => name !== 'openid' && scopeRules(name).claims.some((claim) => wanted.has(claim)),
  );
}

/** Of what the engine found missing when it asked for consent, by scope and by name. */
export function undecidedScopes(details: {
  missingOIDCScope?: string[];
  missingOIDCClaims?: string[];
}): string[] {
  const { missingOIDCScope = [], missingOIDCClaims = [] } = details;
  return [...new Set([...missingOIDCScope, ...scopesWith(missingOIDCClaims)])];
}

/** All scopes that a request is about, named themselves or by one of their claims. */
export function requestedScopesOf({ scope, claims }: { scope?: unknown; claims?: unknown }): string[] {
  const named = typeof claims === 'string' ? claimsNamedIn(claims) : [];
  return [...String(scope ?? '').split(' '), ...scopesWith(named)];
}

/** The engine has checked the parameter: JSON, objects within objects. */
function claimsNamedIn(parameter: string): string[] {
  const { userinfo, id_token } = JSON.parse(parameter) as Record<string, object | undefined>;
  return [...Object.keys(userinfo ?? {}), ...Object.keys(id_token ?? {})];
}
