import { z } from 'zod';
import { nearest } from '../../src/kit/nearest.ts';
import { conflicts, redirectProblems } from './conflicts.ts';
import { withDefaults } from './defaults.ts';
import { answerMembers } from './members/answers.ts';
import { credentialMembers } from './members/credentials.ts';
import { describingMembers } from './members/describing.ts';
import { flowMembers, type grantTypes, type responseTypes } from './members/flows.ts';
import { webAddress } from './members/kinds.ts';
import { ownMembers } from './members/own.ts';
import { requestMembers } from './members/requests.ts';
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
  ...requestMembers,
  ...answerMembers,
  ...signInMembers,
  ...signOutMembers,
  ...ownMembers,
});

export type GivenMetadata = z.output<typeof clientMetadata>;
const localised = ['client_name', 'logo_uri', 'client_uri', 'policy_uri', 'tos_uri'] as const;
type LocalisedName = (typeof localised)[number];

export type ClientMetadata = GivenMetadata & {
  grant_types: (typeof grantTypes)[number][];
  response_types: (typeof responseTypes)[number][];
  token_endpoint_auth_method: NonNullable<GivenMetadata['token_endpoint_auth_method']>;
  id_token_signed_response_alg: NonNullable<GivenMetadata['id_token_signed_response_alg']>;
} & { [name in `${LocalisedName}#${string}`]?: string };

/**
 * Checks what an app says of itself and fills in what it left out. `notes` are what an operator should know although
 * nothing is wrong. All problems are found together. `before` is what it said until now, where it changes.
 */
export function checkClientMetadata(
  given: unknown,
  before?: ClientMetadata,
):
  | { ok: true; metadata: ClientMetadata; notes: string[] }
  | { ok: false; reason: 'not_accepted'; problems: FieldProblem[] } {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    return notAccepted([{ field: 'app', problem: 'must be an object of members.' }]);
  const parsed = clientMetadata.safeParse(given);
  const { problems, members } = checkNames(given);
  if (!parsed.success)
    return notAccepted([...problems, ...fieldProblems(parsed.error), ...redirectProblems(given)]);
  const metadata = withDefaults(Object.assign(parsed.data, members), before);
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

/** Standard members that we know and do not do: docs/divergences.md says why. */
const refusedMembers = new Map([
  ['request_uris', 'is not supported: requests are pushed (RFC 9126) or sent by value. Remove it.'],
  ['frontchannel_logout_uri', 'is not supported: browsers have ended it. Use backchannel_logout_uri.'],
  ['frontchannel_logout_session_required', 'is not supported: browsers have ended it. Remove it.'],
  ['software_statement', 'is not supported: we know nobody who could sign one. Remove it.'],
]);

function unknownMember(name: string): string {
  const why = refusedMembers.get(name);
  if (why) return why;
  const meant = nearest(name, Object.keys(clientMetadata.shape));
  return meant ? `is not a member we know. Did you mean ${meant}?` : 'is not a member we know. Remove it.';
}

function notes(metadata: ClientMetadata): string[] {
  const said: string[] = [];
  if (
    metadata.scope?.split(' ').includes('offline_access') &&
    !metadata.grant_types.includes('refresh_token')
  )
    said.push('scope has offline_access but grant_types lacks refresh_token: it will get no refresh tokens.');
  return said;
}
