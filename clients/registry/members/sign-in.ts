import { z } from 'zod';
import { levelNames } from '../../../src/kit/levels.ts';
import { webAddress } from './kinds.ts';

/** What it wants to know of a sign-in (OpenID Connect Registration section 2). */
export const signInMembers = {
  default_max_age: z
    .number('must be a number of seconds.')
    .int('must be whole seconds.')
    .min(0, 'must not be negative.')
    .max(31_536_000, 'must not exceed a year (31536000).')
    .optional()
    .meta({ description: 'Sign in again when the last time is longer ago, in seconds.' }),
  require_auth_time: z.boolean().optional(),
  default_acr_values: z
    .array(z.enum(levelNames, `knows only ${levelNames.join(', ')}.`))
    .max(10)
    .optional()
    .meta({ description: 'The level that people sign in with where a request does not say (RFC 9470).' }),
  subject_type: z.enum(['public', 'pairwise']).optional().meta({
    description:
      'pairwise: people have names of their own for it. Without it: pairwise; public for first_party, and for redirect_uris on several hosts.',
  }),
  sector_identifier_uri: webAddress.optional().meta({
    description:
      'A list of redirect URIs; apps whose lists are on one host know people by the same names (OpenID Connect Core section 8.1).',
  }),
};
