import { answerKinds } from './members/answers.ts';
import { certificateSubjects } from './members/credentials.ts';
import { registrableScopes, unknownScope } from './members/flows.ts';
import type { ClientMetadata } from './metadata.ts';
import type { FieldProblem } from './problems.ts';
import type { ApplicationType } from './redirect-uris.ts';
import { redirectUriProblem } from './redirect-uris.ts';
import { redirectHosts } from './sector.ts';

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

type Say = (field: string, problem: string) => void;

/** What does not go together among members that are right by themselves. */
export function conflicts(metadata: ClientMetadata): FieldProblem[] {
  const problems: FieldProblem[] = [];
  const say: Say = (field, problem) => problems.push({ field, problem });
  for (const rules of [grants, implicit, scopes, credentials, keys, backchannel, sectors, assurance])
    rules(metadata, say);
  return problems;
}

const deviceCode = 'urn:ietf:params:oauth:grant-type:device_code';
const ciba = 'urn:openid:params:grant-type:ciba';
const tokenExchange = 'urn:ietf:params:oauth:grant-type:token-exchange';

function grants(metadata: ClientMetadata, say: Say): void {
  const { grant_types: granted, token_endpoint_auth_method: method } = metadata;
  const codes = granted.includes('authorization_code');
  const redirected = codes || granted.includes('implicit');
  if (redirected && metadata.redirect_uris.length === 0)
    say('redirect_uris', 'is missing. List the addresses of the app that receive the answer.');
  if (granted.includes('client_credentials') && method === 'none')
    say('grant_types', 'has client_credentials, which an app without credentials cannot use. Remove it.');
  if (granted.includes('refresh_token') && !codes && !granted.includes(deviceCode) && !granted.includes(ciba))
    say('grant_types', 'has refresh_token without authorization_code. Add authorization_code.');
  if (redirected && metadata.response_types.length === 0)
    say('response_types', 'is empty. Leave it out or write [code].');
  if (granted.includes(tokenExchange) && !metadata.first_party)
    say('grant_types', 'has token-exchange, which is for services of ours: it needs first_party.');
  if (granted.includes(tokenExchange) && method === 'none')
    say('grant_types', 'has token-exchange, which an app without credentials cannot use. Remove it.');
  if (metadata.resource_server && method === 'none')
    say('resource_server', 'needs an app that authenticates. Choose another token_endpoint_auth_method.');
}

/** RFC 9700 section 2.1.2 and OAuth 2.1 drop these flows; whoever still needs one says so for each app. */
function implicit(metadata: ClientMetadata, say: Say): void {
  const { grant_types: granted, response_types: answers } = metadata;
  const wanted = answers.find((type) => type !== 'code');
  if (!wanted && !granted.includes('implicit')) return;
  if (!metadata.allow_implicit) {
    if (wanted)
      say('response_types', `has ${wanted}, which only an operator can allow (allow_implicit). Use code.`);
    else say('grant_types', 'has implicit, which only an operator can allow (allow_implicit). Remove it.');
    return;
  }
  const inFront = answers.some((type) => type.includes('token'));
  if (inFront && !granted.includes('implicit'))
    say('grant_types', `lacks implicit, which the response type ${wanted} needs. Add it.`);
  if (answers.some((type) => type.includes('code')) !== granted.includes('authorization_code'))
    say(
      'response_types',
      'and grant_types differ on authorization_code. A response type with code needs it.',
    );
  const open = metadata.redirect_uris.find(
    (uri) => uri.startsWith('http:') || /^https:\/\/localhost[:/?]/.test(uri),
  );
  if (metadata.application_type === 'web' && open)
    say(
      'redirect_uris',
      'has an address that is not https or is on localhost, which no web app with implicit may have.',
    );
}

/** The scopes of people are ours; those of an API stand apart by their colon, and only who asks for APIs has them. */
function scopes(metadata: ClientMetadata, say: Say): void {
  const mayName = metadata.login_with_amazon || metadata.resources !== undefined;
  for (const name of metadata.scope?.split(' ') ?? []) {
    if (!name || registrableScopes.includes(name)) continue;
    if (mayName && (name.includes(':') || (metadata.login_with_amazon && name === 'postal_code'))) continue;
    say('scope', unknownScope(name));
  }
}

function credentials(metadata: ClientMetadata, say: Say): void {
  const method = metadata.token_endpoint_auth_method;
  if (metadata.require_pkce === false && method === 'none')
    say(
      'require_pkce',
      'is false for an app without credentials, whose codes nothing else protects. Remove it.',
    );
  if (method !== 'private_key_jwt' && metadata.token_endpoint_auth_signing_alg)
    say('token_endpoint_auth_signing_alg', 'is only for private_key_jwt. Remove it.');
  const named = certificateSubjects.filter((member) => metadata[member] !== undefined);
  if (method === 'tls_client_auth' && named.length !== 1)
    say(
      'token_endpoint_auth_method',
      `is tls_client_auth, which needs exactly one of ${certificateSubjects.join(', ')} (RFC 8705 section 2.1.2).`,
    );
  if (method !== 'tls_client_auth')
    for (const member of named) say(member, 'is only for tls_client_auth. Remove it.');
  if (metadata.tls_client_certificate_bound_access_tokens && metadata.dpop_bound_access_tokens)
    say(
      'dpop_bound_access_tokens',
      'stands beside tls_client_certificate_bound_access_tokens. Keep one of them.',
    );
}

function keys(metadata: ClientMetadata, say: Say): void {
  if (metadata.jwks && metadata.jwks_uri) say('jwks', 'stands beside jwks_uri. Keep one of them.');
  for (const kind of [
    ...answerKinds.map((name) => `${name}_encrypted_response` as const),
    'request_object_encryption',
  ] as const)
    if (metadata[`${kind}_enc`] && !metadata[`${kind}_alg`])
      say(`${kind}_enc`, `needs ${kind}_alg beside it.`);
  if (metadata.jwks || metadata.jwks_uri) return;
  const method = metadata.token_endpoint_auth_method;
  if (method === 'private_key_jwt' || method === 'self_signed_tls_client_auth')
    say('token_endpoint_auth_method', `is ${method}, which needs jwks or jwks_uri. Add one.`);
  for (const member of needKeys)
    if (metadata[member])
      say(member, 'needs jwks or jwks_uri, where the public keys of the app are. Add one.');
  if (metadata.require_signed_request_object && !metadata.request_object_signing_alg)
    say(
      'require_signed_request_object',
      'needs jwks or jwks_uri, where the public keys of the app are. Add one.',
    );
}

const needKeys = [
  'request_object_signing_alg',
  'backchannel_authentication_request_signing_alg',
  'id_token_encrypted_response_alg',
  'userinfo_encrypted_response_alg',
  'authorization_encrypted_response_alg',
  'introspection_encrypted_response_alg',
] as const;

/** OpenID Connect Client-Initiated Backchannel Authentication section 4. */
function backchannel(metadata: ClientMetadata, say: Say): void {
  const { backchannel_token_delivery_mode: mode, backchannel_client_notification_endpoint: told } = metadata;
  const asks = metadata.grant_types.includes(ciba);
  if (asks && !mode) say('backchannel_token_delivery_mode', 'is missing. Write poll, or ping.');
  if (asks && metadata.token_endpoint_auth_method === 'none')
    say('grant_types', 'has ciba, which an app without credentials cannot use. Remove it.');
  if (mode && !asks) say('backchannel_token_delivery_mode', `needs ${ciba} among grant_types.`);
  if (mode === 'ping' && !told)
    say('backchannel_client_notification_endpoint', 'is missing. With ping it is where the app is told.');
  if (told && mode !== 'ping')
    say('backchannel_client_notification_endpoint', 'is only for the delivery mode ping. Remove it.');
}

function sectors(metadata: ClientMetadata, say: Say): void {
  if (metadata.subject_type !== 'pairwise' || metadata.company || metadata.sector_identifier_uri) return;
  if (redirectHosts(metadata.redirect_uris).length > 1)
    say(
      'subject_type',
      'is pairwise, which needs all redirect_uris on one host, or a sector_identifier_uri that lists them (OpenID Connect Core section 8.1).',
    );
}

/** FAPI 2.0 Security Profile section 5.3.2 and 5.4. */
function assurance(metadata: ClientMetadata, say: Say): void {
  if (!metadata.high_assurance) return;
  const methods = ['private_key_jwt', 'tls_client_auth', 'self_signed_tls_client_auth'];
  if (!methods.includes(metadata.token_endpoint_auth_method))
    say('token_endpoint_auth_method', `must be ${methods.join(' or ')} with high_assurance.`);
  if (metadata.grant_types.includes(ciba) && !metadata.backchannel_authentication_request_signing_alg)
    say(
      'backchannel_authentication_request_signing_alg',
      'is missing. With high_assurance and ciba its requests are signed (FAPI-CIBA section 5.2.2).',
    );
  if (metadata.allow_implicit) say('allow_implicit', 'does not go with high_assurance. Remove one of them.');
  if (metadata.require_pkce === false)
    say('require_pkce', 'is false, which does not go with high_assurance. Remove it.');
  if (metadata.login_with_amazon)
    say('login_with_amazon', 'does not go with high_assurance. Remove one of them.');
  for (const member of signed)
    if (metadata[member] === 'RS256')
      say(member, 'must not be RS256 with high_assurance. Use PS256, ES256 or EdDSA.');
}

const signed = [
  'id_token_signed_response_alg',
  'userinfo_signed_response_alg',
  'authorization_signed_response_alg',
  'introspection_signed_response_alg',
  'request_object_signing_alg',
  'token_endpoint_auth_signing_alg',
  'backchannel_authentication_request_signing_alg',
] as const;
