import type { ClientMetadata } from './metadata.ts';
import type { FieldProblem } from './problems.ts';
import type { ApplicationType } from './redirect-uris.ts';
import { redirectUriProblem } from './redirect-uris.ts';

/** Looks at what was typed, so that these problems are told together with those of other members. */
export function redirectProblems(given: object): FieldProblem[] {
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

/** What does not go together among members that are right by themselves. */
export function conflicts(metadata: ClientMetadata): FieldProblem[] {
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
  if (metadata.require_pkce === false && metadata.token_endpoint_auth_method === 'none')
    say(
      'require_pkce',
      'is false for an app without credentials, whose codes nothing else protects. Remove it.',
    );
  if (metadata.subject_type === 'pairwise' && new Set(metadata.redirect_uris.map(hostOf)).size > 1)
    say('subject_type', 'is pairwise, which needs all redirect_uris on one host.');
  return problems;
}

function hostOf(uri: string): string {
  return URL.canParse(uri) ? new URL(uri).host : uri;
}
