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

export function scopeRules(name: ScopeName): ScopeRules {
  return scopes[name];
}
