import { z } from 'zod';
import { nearest } from '../../src/kit/nearest.ts';
import { readDataUri } from './logo.ts';
import type { FieldProblem } from './problems.ts';
import { fieldProblems } from './problems.ts';
import type { ApplicationType } from './redirect-uris.ts';
import { redirectUriProblem, webAddressProblem } from './redirect-uris.ts';

/**
 * What an app says of itself: the members of RFC 7591 section 2 and OpenID Connect Registration that we act on, by
 * their names, and our own switches, which only operators set. A member that we would not honour is refused rather
 * than stored: an app that asked for encrypted ID tokens must not believe that it gets them.
 */
const grantTypes = ['authorization_code', 'refresh_token', 'client_credentials'] as const;
export const registrableScopes = ['openid', 'profile', 'email', 'phone', 'address', 'offline_access'];

// What a person reads on a consent page must not be able to reorder, hide or blank the words around it.
const invisible = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/u;
const shownText = (most: number) =>
  z
    .string()
    .max(most, `has more than ${most} characters. Shorten it.`)
    .refine((text) => text.trim() !== '', 'is empty. Leave it out or write something.')
    .refine(
      (text) => !invisible.test(text),
      'has control, invisible or direction-changing characters. Remove them.',
    );
const webAddress = z.string().superRefine((uri, problem) => {
  const sentence = webAddressProblem(uri);
  if (sentence) problem.addIssue({ code: 'custom', message: sentence });
});
/** The one picture that may be handed in instead of an address; it is kept by logos.ts and not among the metadata. */
const logoAddress = z.string().superRefine((uri, problem) => {
  const read = uri.startsWith('data:') ? readDataUri(uri) : undefined;
  const sentence = read ? !read.ok && read.problem : webAddressProblem(uri);
  if (sentence) problem.addIssue({ code: 'custom', message: sentence });
});
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
const publicKeys = z.looseObject({
  keys: z
    .array(
      z
        .looseObject({ kty: z.enum(['RSA', 'EC', 'OKP'], 'must be RSA, EC or OKP.') })
        .refine((key) => !('d' in key) && !('k' in key), 'is a private key. Register the public key only.'),
    )
    .min(1, 'has no key. Add one.')
    .max(20, 'has more than 20 keys. Remove old ones.'),
});
const addressList = z.array(z.string()).max(50, 'has more than 50 entries. Remove some.');

export const clientMetadata = z.object({
  client_name: shownText(80).optional().meta({ description: 'The name on the consent page.' }),
  application_type: z
    .enum(['web', 'native'])
    .default('web')
    .meta({ description: 'native allows private-use schemes and any port on loopback.' }),
  redirect_uris: addressList.default([]).meta({ description: 'Where answers are sent; compared exactly.' }),
  post_logout_redirect_uris: addressList.default([]).meta({ description: 'Where people go after sign-out.' }),
  grant_types: z.array(z.enum(grantTypes)).optional().meta({
    description: 'Without it: authorization_code, and refresh_token where scope has offline_access.',
  }),
  response_types: z.array(z.enum(['code'])).optional(),
  token_endpoint_auth_method: z
    .enum(['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'])
    .optional()
    .meta({ description: 'Without it: client_secret_basic; none for native apps.' }),
  token_endpoint_auth_signing_alg: z.enum(['RS256', 'PS256', 'ES256', 'EdDSA']).optional(),
  scope: scopes.optional().meta({ description: 'What it may ask for, by spaces. Without it: every scope.' }),
  jwks: publicKeys.optional().meta({ description: 'Public keys, for private_key_jwt.' }),
  jwks_uri: webAddress.optional().meta({ description: 'Where its public keys are found.' }),
  logo_uri: logoAddress
    .optional()
    .meta({ description: 'Where its logo is fetched from, once; a data: address hands in the logo itself.' }),
  client_uri: webAddress.optional().meta({ description: "The app's home page." }),
  policy_uri: webAddress.optional().meta({ description: "The app's privacy notice." }),
  tos_uri: webAddress.optional().meta({ description: "The app's terms of use." }),
  initiate_login_uri: webAddress.optional().meta({ description: 'Where a sign-in can be started again.' }),
  contacts: z
    .array(z.email('must be an e-mail address.').max(254))
    .max(10, 'has more than 10 entries. Remove some.')
    .optional(),
  software_id: shownText(200).optional(),
  software_version: shownText(100).optional(),
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
  backchannel_logout_uri: webAddress.optional(),
  backchannel_logout_session_required: z.boolean().optional(),
  require_pushed_authorization_requests: z.boolean().optional(),
  dpop_bound_access_tokens: z.boolean().optional(),
  first_party: z.boolean().default(false).meta({ description: 'Our own app: no consent page.' }),
  login_with_amazon: z
    .boolean()
    .default(false)
    .meta({ description: 'Login-with-Amazon-shaped endpoints and token forms.' }),
  resource_server: z
    .union(
      [z.literal('*'), z.array(z.string().min(1).max(128)).max(100)],
      'must be * or a list of client ids.',
    )
    .optional()
    .meta({ description: 'Whose tokens it may introspect: client ids, or * for all.' }),
});

type Given = z.output<typeof clientMetadata>;
const localised = ['client_name', 'logo_uri', 'client_uri', 'policy_uri', 'tos_uri'] as const;
type LocalisedName = (typeof localised)[number];

export type ClientMetadata = Given & {
  grant_types: (typeof grantTypes)[number][];
  response_types: 'code'[];
  token_endpoint_auth_method: NonNullable<Given['token_endpoint_auth_method']>;
} & { [name in `${LocalisedName}#${string}`]?: string };

/**
 * Checks what an app says of itself and fills in what it left out. `notes` are what an operator should know although
 * nothing is wrong. All problems are found together.
 */
export function checkClientMetadata(
  given: unknown,
):
  | { ok: true; metadata: ClientMetadata; notes: string[] }
  | { ok: false; reason: 'not_accepted'; problems: FieldProblem[] } {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    return notAccepted([{ field: 'app', problem: 'must be an object of members.' }]);
  const parsed = clientMetadata.safeParse(given);
  const { problems, members } = checkNames(given);
  if (!parsed.success)
    return notAccepted([...problems, ...fieldProblems(parsed.error), ...redirectProblems(given)]);
  const metadata = withDefaults(Object.assign(parsed.data, members));
  problems.push(...redirectProblems(metadata), ...conflicts(metadata));
  return problems.length > 0 ? notAccepted(problems) : { ok: true, metadata, notes: notes(metadata) };
}

function notAccepted(problems: FieldProblem[]) {
  return { ok: false as const, reason: 'not_accepted' as const, problems };
}

/** Unknown members are refused, and those with a language tag (RFC 7591 section 2.2) checked as the plain one is. */
function checkNames(given: object): { problems: FieldProblem[]; members: Record<string, unknown> } {
  const problems: FieldProblem[] = [];
  const members: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(given)) {
    if (Object.hasOwn(clientMetadata.shape, name)) continue;
    const [base, language] = name.split('#', 2);
    const plain = localised.find((known) => known === base);
    if (!plain || !/^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$/.test(language ?? '')) {
      problems.push({ field: name.slice(0, 80), problem: unknownMember(name) });
      continue;
    }
    // One logo for an app: its addresses in other languages are kept for others to read, and not fetched.
    const schema = plain === 'logo_uri' ? webAddress : clientMetadata.shape[plain];
    const parsed = schema.safeParse(value);
    if (parsed.success) members[name] = parsed.data;
    else problems.push(...fieldProblems(parsed.error).map(({ problem }) => ({ field: name, problem })));
  }
  return { problems, members };
}

function unknownMember(name: string): string {
  const meant = nearest(name, Object.keys(clientMetadata.shape));
  return meant ? `is not a member we know. Did you mean ${meant}?` : 'is not a member we know. Remove it.';
}

function withDefaults(given: Given): ClientMetadata {
  // Without redirect URIs it is a resource server that only introspects, and needs no grant.
  const mayKeepAccess = given.scope === undefined || given.scope.split(' ').includes('offline_access');
  const usual: ClientMetadata['grant_types'] = mayKeepAccess
    ? ['authorization_code', 'refresh_token']
    : ['authorization_code'];
  const silent = given.resource_server !== undefined && given.redirect_uris.length === 0;
  const chosen = given.grant_types ?? (silent ? [] : usual);
  return {
    ...given,
    grant_types: chosen,
    response_types: chosen.includes('authorization_code') ? (given.response_types ?? ['code']) : [],
    token_endpoint_auth_method:
      given.token_endpoint_auth_method ??
      (given.application_type === 'native' ? 'none' : 'client_secret_basic'),
  };
}

/** Looks at what was typed, so that these problems are told together with those of other members. */
function redirectProblems(given: object): FieldProblem[] {
  const { application_type, ...members } = given as Record<string, unknown>;
  const applicationType = application_type === 'native' ? 'native' : 'web';
  return (['redirect_uris', 'post_logout_redirect_uris'] as const).flatMap((member) => {
    const uris = members[member];
    return Array.isArray(uris) ? listProblems(member, uris, applicationType) : [];
  });
}

function listProblems(member: string, uris: unknown[], applicationType: ApplicationType): FieldProblem[] {
  const seen = new Set<string>();
  return uris.flatMap((uri, index) => {
    if (typeof uri !== 'string') return [];
    // Entries that differ in case only are a slip waiting to be exploited on a host that folds case.
    const twice = seen.has(uri.toLowerCase());
    seen.add(uri.toLowerCase());
    const problem =
      redirectUriProblem(uri, applicationType) ??
      (twice ? 'is listed twice, perhaps in another case. Remove one.' : undefined);
    return problem ? [{ field: `${member}[${index}]`, problem }] : [];
  });
}

function conflicts(metadata: ClientMetadata): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const say = (field: string, problem: string) => problems.push({ field, problem });
  const signs = metadata.token_endpoint_auth_method === 'private_key_jwt';
  const codes = metadata.grant_types.includes('authorization_code');
  if (codes && metadata.redirect_uris.length === 0)
    say('redirect_uris', 'is missing. List the addresses of the app that receive the answer.');
  if (metadata.grant_types.includes('client_credentials') && metadata.token_endpoint_auth_method === 'none')
    say('grant_types', 'has client_credentials, which an app without credentials cannot use. Remove it.');
  if (metadata.grant_types.includes('refresh_token') && !codes)
    say('grant_types', 'has refresh_token without authorization_code. Add authorization_code.');
  if (codes && metadata.response_types.length === 0)
    say('response_types', 'is empty. Leave it out or write [code].');
  if (metadata.jwks && metadata.jwks_uri) say('jwks', 'stands beside jwks_uri. Keep one of them.');
  if (signs && !metadata.jwks && !metadata.jwks_uri)
    say('token_endpoint_auth_method', 'is private_key_jwt, which needs jwks or jwks_uri. Add one.');
  if (!signs && metadata.token_endpoint_auth_signing_alg)
    say('token_endpoint_auth_signing_alg', 'is only for private_key_jwt. Remove it.');
  if (metadata.resource_server && metadata.token_endpoint_auth_method === 'none')
    say('resource_server', 'needs an app that authenticates. Choose another token_endpoint_auth_method.');
  if (metadata.subject_type === 'pairwise' && new Set(metadata.redirect_uris.map(hostOf)).size > 1)
    say('subject_type', 'is pairwise, which needs all redirect_uris on one host.');
  return problems;
}

function hostOf(uri: string): string {
  return URL.canParse(uri) ? new URL(uri).host : uri;
}

/** Standard members that apps written for others bring along; a later stage acts on them. */
export const withoutEffect = [
  'default_acr_values',
  'backchannel_logout_uri',
  'backchannel_logout_session_required',
] as const;

function notes(metadata: ClientMetadata): string[] {
  const said: string[] = [];
  if (metadata.login_with_amazon)
    said.push(
      'login_with_amazon is kept, and has no effect yet: PKCE stays required and tokens keep their form.',
    );
  for (const member of withoutEffect)
    if (metadata[member] !== undefined) said.push(`${member} is kept, and has no effect yet.`);
  if (
    metadata.scope?.split(' ').includes('offline_access') &&
    !metadata.grant_types.includes('refresh_token')
  )
    said.push('scope has offline_access but grant_types lacks refresh_token: it will get no refresh tokens.');
  return said;
}
