/**
 * The pages of an account that a sign-in may lead to. The `state` of our own authorization request names one of them
 * (src/oidc/account-client.ts); a name that is not here leads to the overview, never to an address from the request.
 */
export const places = {
  overview: '/account',
  apps: '/account/apps',
  sessions: '/account/sessions',
  'sessions-others': '/account/sessions/others',
  'two-step': '/account/two-step',
  'two-step-new': '/account/two-step/new',
  'two-step-text': '/account/two-step/text',
  'two-step-codes': '/account/two-step/codes',
  'two-step-remove': '/account/two-step/remove',
  'two-step-off': '/account/two-step/off',
  'two-step-approvals': '/account/two-step/approvals',
  approvals: '/account/approvals',
  devices: '/account/devices',
  /** After "It wasn't me": by way of a forgotten password, see interactions/index.ts. */
  recover: '/account',
  passkeys: '/account/passkeys',
  'passkeys-new': '/account/passkeys/new',
  'passkeys-new-key': '/account/passkeys/new-key',
  password: '/account/password',
  activity: '/account/activity',
  requests: '/account/requests',
  /** With a code: `codeState`. */
  device: '/device',
  profile: '/account/profile',
} as const;

export type Place = keyof typeof places;

export function isPlace(name: unknown): name is Place {
  return typeof name === 'string' && Object.hasOwn(places, name);
}

/** A code that a device shows, as the `state` of the sign-in on the way to it: a closed shape, like every name here. */
export function codeState(userCode: string): string {
  return `code.${userCode}`;
}

export function placeOfCode(state: unknown): string | undefined {
  return typeof state === 'string' ? /^code\.([A-Z]{8})$/.exec(state)?.[1] : undefined;
}
