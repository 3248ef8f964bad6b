import { usualContentEncryption } from './members/algorithms.ts';
import { answerKinds } from './members/answers.ts';
import type { ClientMetadata, GivenMetadata } from './metadata.ts';
import { redirectHosts } from './sector.ts';

/** What an app left out, filled in. `before` is what it said until now, when it changes. */
export function withDefaults(given: GivenMetadata, before?: ClientMetadata): ClientMetadata {
  const metadata = {
    ...given,
    ...flows(given),
    token_endpoint_auth_method:
      given.token_endpoint_auth_method ??
      (given.application_type === 'native' ? 'none' : 'client_secret_basic'),
    id_token_signed_response_alg:
      given.id_token_signed_response_alg ?? (given.high_assurance ? 'ES256' : 'RS256'),
    subject_type: given.subject_type ?? usualSubjects(given, before),
  } as const;
  return { ...metadata, ...encryption(metadata) };
}

/** RFC 7591 section 2.1: what it may be answered with goes with how it may ask. */
function flows(given: GivenMetadata): Pick<ClientMetadata, 'grant_types' | 'response_types'> {
  const asked = given.response_types ?? ['code'];
  const implicit = asked.some((type) => type.includes('token'));
  const codes = asked.some((type) => type.includes('code'));
  const mayKeepAccess =
    given.scope === undefined || given.login_with_amazon || given.scope.split(' ').includes('offline_access');
  const usual: ClientMetadata['grant_types'] = [
    ...(codes ? (['authorization_code'] as const) : []),
    ...(codes && mayKeepAccess ? (['refresh_token'] as const) : []),
    ...(implicit ? (['implicit'] as const) : []),
  ];
  // Without redirect URIs it is a resource server that only introspects, and needs no grant.
  const silent = given.resource_server !== undefined && given.redirect_uris.length === 0;
  const chosen = given.grant_types ?? (silent ? [] : usual);
  const answered = chosen.includes('authorization_code') || chosen.includes('implicit');
  return { grant_types: chosen, response_types: answered ? asked : [] };
}

/**
 * A stranger's app gets names for people that it cannot compare with other strangers (OpenID Connect Core section 17.3).
 * Once apps know people by some name they must go on to: what there was stays unless somebody says otherwise.
 */
function usualSubjects(given: GivenMetadata, before: ClientMetadata | undefined): 'public' | 'pairwise' {
  if (before) return before.subject_type ?? 'public';
  if (given.first_party) return 'public';
  const joined = given.company !== undefined || given.sector_identifier_uri !== undefined;
  return joined || redirectHosts(given.redirect_uris).length <= 1 ? 'pairwise' : 'public';
}

/** What is encrypted is signed first: only then does it prove who wrote it. */
function encryption(metadata: GivenMetadata): Partial<ClientMetadata> {
  const added: Partial<ClientMetadata> = {};
  for (const kind of answerKinds) {
    if (!metadata[`${kind}_encrypted_response_alg`]) continue;
    added[`${kind}_signed_response_alg`] = metadata[`${kind}_signed_response_alg`] ?? 'RS256';
    added[`${kind}_encrypted_response_enc`] =
      metadata[`${kind}_encrypted_response_enc`] ?? usualContentEncryption;
  }
  if (metadata.request_object_encryption_alg)
    added.request_object_encryption_enc = metadata.request_object_encryption_enc ?? usualContentEncryption;
  return added;
}
