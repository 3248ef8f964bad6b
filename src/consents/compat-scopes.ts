/**
 * What apps of the Login-with-Amazon kind ask for. Their `profile` is not OpenID Connect's: it is a name and an e-mail
 * address, not a birth date. So within the house these scopes have names of their own, and the two kinds never mix in a
 * consent, a grant or a token; the names on the wire stand in `wireNames`.
 *
 * `lwa` stands in every request of this kind, as `openid` does in the other: it is what `user_id` comes from.
 */
export const compatMarker = 'lwa';

type CompatRules = { claims: readonly string[]; optional: boolean };

export const compatScopes = {
  [compatMarker]: { claims: ['sub'], optional: false },
  'lwa:user_id': { claims: ['sub'], optional: false },
  'lwa:profile': { claims: ['name', 'email'], optional: false },
  // One member of the address, which is what an app of this kind can learn of it.
  'lwa:postal_code': { claims: ['postal_code'], optional: true },
} as const satisfies Record<string, CompatRules>;

export type CompatScopeName = keyof typeof compatScopes;

const wireNames: Readonly<Record<string, string>> = {
  profile: 'lwa:profile',
  'profile:user_id': 'lwa:user_id',
  postal_code: 'lwa:postal_code',
};
const houseNames = new Map(Object.entries(wireNames).map(([wire, house]) => [house, wire]));

/** As apps write it; undefined for what is not shown to them at all. */
export function toWire(house: string): string | undefined {
  if (house === compatMarker || house === 'openid') return undefined;
  return houseNames.get(house) ?? house;
}

/** As it is kept. Names of the company's own scopes have a colon in them (`alexa::ask:skills:readwrite`). */
export function fromWire(wire: string): string | undefined {
  if (Object.hasOwn(wireNames, wire)) return wireNames[wire];
  return isCustomScope(wire) ? wire : undefined;
}

export function isCompatScope(name: string): name is CompatScopeName {
  return Object.hasOwn(compatScopes, name);
}

export function isCustomScope(name: string): boolean {
  return /^[A-Za-z][\w.-]{0,60}(::?[\w.-]{1,60}){1,6}$/.test(name) && !/^lwa(:|$)/.test(name);
}

/**
 * Which of these an app of this kind may ask for, by its registered `scope`, whichever endpoint it asks at. Who a person is any
 * may learn; of the rest what is listed, if that says anything. The company's own scopes must be listed: they are the
 * operator's to give. Names of other kinds are not looked at.
 */
export function onlyListed(names: Iterable<string>, scope: string | undefined): string[] {
  const listed = scope === undefined ? undefined : new Set(scope.split(' '));
  return [...names].filter((name) => !(isCompatScope(name) || isCustomScope(name)) || mayAsk(name, listed));
}

function mayAsk(name: string, listed: ReadonlySet<string> | undefined): boolean {
  if (isAutomatic(name)) return true;
  if (isCustomScope(name)) return listed?.has(name) === true;
  if (!listed || listed.has(toWire(name) ?? name)) return true;
  return name === 'lwa:postal_code' && listed.has('address');
}

/** Nobody is asked about these: signing in is what they stand for (`profile:user_id` has no consent page). */
export function isAutomatic(name: string): boolean {
  return name === compatMarker || name === 'lwa:user_id';
}

/** Those of a request that mean something, for an app of this kind: once each, ours first. */
export function compatScopesIn(names: Iterable<string>): string[] {
  const wanted = new Set(names);
  if (!wanted.has(compatMarker)) return [];
  const ours: string[] = Object.keys(compatScopes).filter((name) => wanted.has(name));
  return [...ours, ...[...wanted].filter(isCustomScope)];
}

/**
 * Which scopes of a request the person may leave out: each has a usual answer, and the app may give another
 * (`scope_data`, by house names). A scope of the company's own cannot be left out unless the app says so.
 */
export function isCompatOptional(name: string, essential: Readonly<Record<string, boolean>>): boolean {
  if (isAutomatic(name)) return false;
  const said = Object.hasOwn(essential, name) ? essential[name] : undefined;
  return said === undefined ? isCompatScope(name) && compatScopes[name].optional : !said;
}

/** `scope_data` as authorize.ts left it in the request, by house names. */
export function essentialIn(scopeData: string | undefined): Record<string, boolean> {
  if (scopeData === undefined) return {};
  try {
    const said: unknown = JSON.parse(scopeData);
    const pairs = Object.entries(said ?? {}).filter(([, value]) => typeof value === 'boolean');
    return Object.fromEntries(pairs) as Record<string, boolean>;
  } catch {
    return {};
  }
}
