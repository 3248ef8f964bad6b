import { z } from 'zod';

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
  default_acr_values: z.array(z.string().min(1).max(200)).max(10).optional(),
  subject_type: z.enum(['public', 'pairwise']).optional(),
  id_token_signed_response_alg: z.enum(['RS256', 'ES256']).default('RS256'),
};
