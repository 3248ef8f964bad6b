import { isApiScope } from './api-scopes.ts';
import { compatScopes, compatScopesIn, isCompatScope, isCustomScope } from './compat-scopes.ts';

/**
 * What apps may ask for. The one table: the provider's claims, the consent page and the account's list of apps all
 * read it, in this order. A new scope is a new row here and its title in the catalogues (`scope.<name>.title`).
 */
type ScopeRules = {
  /** The claims it releases (OpenID Connect Core section 5.4). */
  claims: readonly string[];
  /** Whether a person may leave it out and still go on to the app. */
  optional: boolean;
};

export const scopes = {
  openid: { claims: ['sub'], optional: false },
  profile: {
    claims: [
      'name',
      'given_name',
      'family_name',
      'middle_name',
      'nickname',
      'preferred_username',
      'profile',
      'picture',
      'website',
      'gender',
      'birthdate',
      'zoneinfo',
      'locale',
      'updated_at',
    ],
    // Apps greet people by it; without it most cannot even show who is signed in.
    optional: false,
  },
  email: { claims: ['email', 'email_verified'], optional: true },
  phone: { claims: ['phone_number', 'phone_number_verified'], optional: true },
  address: { claims: ['address'], optional: true },
  // Access while the person is away: a refresh token (OpenID Connect Core section 11).
  offline_access: { claims: [], optional: true },
} as const satisfies Record<string, ScopeRules>;

export type ScopeName = keyof typeof scopes;

export function isScope(name: string): name is ScopeName {
  return Object.hasOwn(scopes, name);
}

/** Those of `names` that we know, once each, in the order of the table: so a page always reads the same. */
export function scopesInOrder(names: Iterable<string>): ScopeName[] {
  const wanted = new Set(names);
  return (Object.keys(scopes) as ScopeName[]).filter((name) => wanted.has(name));
}

/** Of either kind (compat-scopes.ts), and of scopes that only name something of the company's own. */
export function scopeRules(name: string): ScopeRules {
  if (isScope(name)) return scopes[name];
  return isCompatScope(name) ? compatScopes[name] : { claims: [], optional: false };
}

/** What a person may be asked about for this app: of one that is not of the Login-with-Amazon kind, the standard's scopes. */
export function askableScopes(names: Iterable<string>, { compatible }: { compatible: boolean }): string[] {
  const all = [...names];
  return [...scopesInOrder(all), ...(compatible ? compatScopesIn(all) : [])];
}

/** What a consent and a grant may hold. */
export function isGrantable(name: string): boolean {
  return isScope(name) || isCompatScope(name) || isCustomScope(name) || isApiScope(name);
}
