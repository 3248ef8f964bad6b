import { z } from 'zod';
import { nearest } from '../../src/kit/nearest.ts';
import { conflicts, redirectProblems } from './conflicts.ts';
import { credentialMembers } from './members/credentials.ts';
import { describingMembers } from './members/describing.ts';
import { flowMembers, type grantTypes } from './members/flows.ts';
import { webAddress } from './members/kinds.ts';
import { ownMembers } from './members/own.ts';
import { signInMembers } from './members/sign-in.ts';
import { signOutMembers } from './members/sign-out.ts';
import type { FieldProblem } from './problems.ts';
import { fieldProblems } from './problems.ts';

/**
 * What an app says of itself: the members of RFC 7591 section 2 and OpenID Connect Registration that we act on, by
 * their names, and our own switches, which only operators set. A member that we would not honour is refused rather
 * than stored: an app that asked for encrypted ID tokens must not believe that it gets them. Each topic is a file of members/.
 */
export const clientMetadata = z.object({
  ...describingMembers,
  ...flowMembers,
  ...credentialMembers,
  ...signInMembers,
  ...signOutMembers,
  ...ownMembers,
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
