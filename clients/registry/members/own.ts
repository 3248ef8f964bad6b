import { z } from 'zod';

/** Our own switches, which only operators set. */
export const ownMembers = {
  first_party: z.boolean().default(false).meta({ description: 'Our own app: no consent page.' }),
  login_with_amazon: z
    .boolean()
    .default(false)
    .meta({ description: 'Login-with-Amazon-shaped endpoints and token forms.' }),
  require_pkce: z
    .boolean()
    .optional()
    .meta({ description: 'false: an app with a secret or a key may leave PKCE out, for old libraries.' }),
  resource_server: z
    .union(
      [z.literal('*'), z.array(z.string().min(1).max(128)).max(100)],
      'must be * or a list of client ids.',
    )
    .optional()
    .meta({ description: 'Whose tokens it may introspect: client ids, or * for all.' }),
};
