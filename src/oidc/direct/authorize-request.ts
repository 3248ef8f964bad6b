import type { Client } from 'oidc-provider';
import { isCompatClient } from '../compat/token-form.ts';

/** The parameters of a plain authorization request, all of them known and each given once. */
export type PlainAuthorization = {
  client_id: string;
  redirect_uri: string;
  scope: string;
  code_challenge: string;
  code_challenge_method: string;
  state?: string;
  nonce?: string;
};

/** Each with what it has to look like; anything else, and whatever is not named here, is the engine's to judge. */
const shapes: Readonly<Record<string, RegExp>> = {
  client_id: /^[\x20-\x7e]{1,256}$/,
  redirect_uri: /^https?:\/\/[\x21-\x7e]+$/,
  response_type: /^code$/,
  response_mode: /^query$/,
  scope: /^[a-z_:]+(?: [a-z_:]+)*$/,
  state: /^.+$/s,
  nonce: /^.+$/s,
  code_challenge: /^[A-Za-z0-9._~-]{43,128}$/,
  code_challenge_method: /^S256$/,
  ui_locales: /^.+$/s,
  login_hint: /^.+$/s,
};
const needed = [
  'client_id',
  'redirect_uri',
  'response_type',
  'scope',
  'code_challenge',
  'code_challenge_method',
];

const begins = '/authorize?';

export function isAuthorization({
  method,
  url = '',
}: {
  method?: string | undefined;
  url?: string | undefined;
}): boolean {
  return method === 'GET' && url.startsWith(begins);
}

/** Of the address of a request, when it asks in the plainest way: the code flow with PKCE, an answer in the query. */
export function plainAuthorization(url: string): PlainAuthorization | undefined {
  if (!/^[\x21-\x7e]{1,4096}$/.test(url) || url.includes('#')) return undefined;
  const params: Record<string, string> = {};
  for (const pair of url.slice(begins.length).split('&')) {
    const at = pair.indexOf('=');
    const name = pair.slice(0, at);
    const value = at > 0 && Object.hasOwn(shapes, name) ? decoded(pair.slice(at + 1)) : undefined;
    if (value === undefined || name in params || !shapes[name]?.test(value)) return undefined;
    params[name] = value;
  }
  if (!needed.every((name) => name in params) || !isOpenId(String(params['scope']))) return undefined;
  return params as unknown as PlainAuthorization;
}

/** As URLSearchParams reads it; undefined where that would mend something. */
function decoded(text: string): string | undefined {
  if (!/[%+]/.test(text)) return text;
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return undefined;
  }
}

/** A request of OpenID Connect, which names no scope twice. */
function isOpenId(scope: string): boolean {
  const names = scope.split(' ');
  return names.includes('openid') && new Set(names).size === names.length;
}

/**
 * Whether the app may ask for just this, and has registered nothing that makes more of a request: that it is pushed or
 * signed, that its answers are, how recent or sure a sign-in has to be. Where its answers go: answer-address.ts.
 */
export function mayAskPlainly(client: Client, { scope }: PlainAuthorization): boolean {
  if (unusual.some((member) => client[member] !== undefined && client[member] !== false)) return false;
  if (isCompatClient(client) || !client.responseTypeAllowed('code')) return false;
  if (!client.responseModeAllowed('query', 'code', undefined)) return false;
  const names = scope.split(' ');
  const listed = client.scope?.split(' ');
  if (listed && !names.every((name) => listed.includes(name))) return false;
  return !names.includes('offline_access') || client.grantTypeAllowed('refresh_token');
}

const unusual = [
  'requirePushedAuthorizationRequests',
  'requireSignedRequestObject',
  'high_assurance',
  'signs_answers',
  'defaultAcrValues',
  'defaultMaxAge',
  'requireAuthTime',
] as const;
