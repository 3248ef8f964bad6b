import { z } from 'zod';
import { addressList, webAddress } from './kinds.ts';

export const grantTypes = ['authorization_code', 'refresh_token', 'client_credentials'] as const;
export const registrableScopes = ['openid', 'profile', 'email', 'phone', 'address', 'offline_access'];

const scopes = z
  .string()
  .transform((text) => [...new Set(text.split(' ').filter(Boolean))])
  .superRefine((names, problem) => {
    for (const name of names)
      if (!registrableScopes.includes(name))
        problem.addIssue({
          code: 'custom',
          message: `has the scope "${name}", which is not known. Scopes: ${registrableScopes.join(' ')}.`,
        });
  })
  .transform((names) => names.join(' '));

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
  response_types: z.array(z.enum(['code'])).optional(),
  scope: scopes.optional().meta({ description: 'What it may ask for, by spaces. Without it: every scope.' }),
  require_pushed_authorization_requests: z.boolean().optional(),
  initiate_login_uri: webAddress.optional().meta({ description: 'Where a sign-in can be started again.' }),
};
