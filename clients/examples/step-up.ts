/** What the token says of the sign-in behind it: by introspection, or in a JWT. */
type Told = { acr?: unknown; auth_time?: unknown };
/** What the API wants: one of these levels, and a sign-in of at most so many seconds ago. */
type Wanted = { acrValues?: readonly string[]; maxAge?: number };

/**
 * For an API: the challenge (WWW-Authenticate, with 401) to a token that was issued after too little or too long ago (RFC
 * 9470 section 3); undefined when it will do. The app sends the person with what stands in it and comes back.
 */
export function stepUpChallenge(
  told: Told,
  { acrValues = [], maxAge }: Wanted,
  now: number,
): string | undefined {
  const level = acrValues.length === 0 || acrValues.some((one) => one === told.acr);
  const recent =
    maxAge === undefined || (typeof told.auth_time === 'number' && now - told.auth_time <= maxAge);
  if (level && recent) return undefined;
  const wanted = [
    ...(level ? [] : [`acr_values="${acrValues.join(' ')}"`]),
    ...(recent ? [] : [`max_age=${maxAge}`]),
  ];
  const why = 'error_description="A different authentication is needed"';
  return ['Bearer error="insufficient_user_authentication"', why, ...wanted].join(', ');
}

/** For the app: what such a challenge adds to its authorization request; undefined for every other refusal. */
export function stepUpParameters(challenge: string): Record<string, string> | undefined {
  if (!/error="insufficient_user_authentication"/.test(challenge)) return undefined;
  const [, levels] = /acr_values="([^"]*)"/.exec(challenge) ?? [];
  const [, age] = /max_age="?(\d+)/.exec(challenge) ?? [];
  return { ...(levels ? { acr_values: levels } : {}), ...(age ? { max_age: age } : {}) };
}
