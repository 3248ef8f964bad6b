import { z } from 'zod';
import { addressList, webAddress } from './kinds.ts';

export const grantTypes = [
  'authorization_code',
  'refresh_token',
  'client_credentials',
  'urn:ietf:params:oauth:grant-type:device_code',
  'urn:openid:params:grant-type:ciba',
  'urn:ietf:params:oauth:grant-type:token-exchange',
  'implicit',
] as const;

/** Words in the order of the alphabet, which is how the engine compares them. All but `code` need `allow_implicit`. */
export const responseTypes = [
  'code',
  'id_token',
  'token',
  'id_token token',
  'code id_token',
  'code token',
  'code id_token token',
] as const;

export const registrableScopes = ['openid', 'profile', 'email', 'phone', 'address', 'offline_access'];

// RFC 6749 section 3.3.
const scopeToken = /^[\x21\x23-\x5b\x5d-\x7e]{1,200}$/;

/** Of one by itself. Those with a colon are of APIs: whether the app may name them is decided beside its other members. */
function scopeProblem(name: string): string | undefined {
  if (!scopeToken.test(name)) return 'has a character that no scope may have.';
  if (name.includes(':') || name === 'postal_code' || registrableScopes.includes(name)) return undefined;
  return unknownScope(name);
}

export function unknownScope(name: string): string {
  const ofApis = name.includes(':') ? ' Scopes of an API need the API among its resources.' : '';
  return `has the scope "${name}", which is not known. Scopes: ${registrableScopes.join(' ')}.${ofApis}`;
}

const scopes = z
  .string()
  .max(4000, 'is longer than 4000 characters.')
  .transform((text) => [...new Set(text.split(' ').filter(Boolean))])
  .superRefine((names, problem) => {
    for (const name of names) {
      const message = scopeProblem(name);
      if (message) problem.addIssue({ code: 'custom', message });
    }
  })
  .transform((names) => names.join(' '));

const responseType = z
  .string()
  .transform((text) => text.split(' ').filter(Boolean).sort().join(' '))
  .pipe(z.enum(responseTypes));

/** How it asks for access, and for what. */
export const flowMembers = {
  application_type: z
    .enum(['web', 'native'])
    .default('web')
    .meta({ description: 'native allows private-use schemes and any port on loopback.' }),
  redirect_uris: addressList.default([]).meta({ description: 'Where answers are sent; compared exactly.' }),
  grant_types: z.array(z.enum(grantTypes)).optional().meta({
    description: 'Without it: authorization_code, and refresh_token where scope has offline_access.',
  }),
  response_types: z
    .array(responseType)
    .optional()
    .meta({ description: 'Without it: code. The others only with allow_implicit.' }),
  scope: scopes.optional().meta({
    description:
      'What it may ask for, by spaces. Without it: every scope of ours. Scopes of APIs have a colon.',
  }),
  authorization_details_types: z
    .array(z.string().min(1).max(200))
    .max(50, 'has more than 50 entries. Remove some.')
    .optional()
    .meta({ description: 'The types of authorization_details it may ask for (RFC 9396 section 10).' }),
  initiate_login_uri: webAddress.optional().meta({
    description: 'Where a sign-in can be started from our side (OpenID Connect Core section 4).',
  }),
};
