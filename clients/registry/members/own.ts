import { z } from 'zod';
import { shownText } from './kinds.ts';

/** Our own switches, which only operators set: registration over HTTP does not know them (src/oidc/registration). */
export const ownMembers = {
  first_party: z.boolean().default(false).meta({ description: 'Our own app: no consent page.' }),
  login_with_amazon: z
    .boolean()
    .default(false)
    .meta({ description: 'Login-with-Amazon-shaped endpoints and token forms.' }),
  scope_titles: z.record(z.string().max(200), shownText(120)).optional().meta({
    description: 'What its scopes with a colon are called on pages, by scope. Without it: the scope.',
  }),
  high_assurance: z
    .boolean()
    .optional()
    .meta({ description: 'The FAPI 2.0 Security Profile and Message Signing, and nothing less.' }),
  allow_implicit: z.boolean().optional().meta({
    description: 'Lets it register the implicit and hybrid flows. For old apps and certification only.',
  }),
  company: shownText(100)
    .optional()
    .meta({ description: 'Apps of one company know people by the same pairwise names.' }),
  resources: z
    .array(
      z
        .string()
        .max(500, 'is longer than 500 characters.')
        .refine(
          (text) => URL.canParse(text) && !text.includes('#'),
          'must be an address without a fragment.',
        ),
    )
    .max(50, 'has more than 50 entries. Remove some.')
    .optional()
    .meta({ description: 'The APIs it may ask access tokens for, by their identifiers (RFC 8707).' }),
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
