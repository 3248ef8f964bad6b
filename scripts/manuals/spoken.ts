import { signingAlgs } from '../../clients/registry/members/algorithms.ts';

/**
 * What is spoken: by which sections of which standard, what turns it on, and where the discovery document says so.
 * test/journeys/spoken.test.ts holds it against the document of a server with everything on, member by member.
 */
export type Spoken = {
  what: string;
  standard: string;
  /** Left out for what everybody has. A setting, or a member of an app or an API. */
  by?: string;
  /** Members of the discovery document, and the values among them that are meant; none for all of them. */
  found?: Record<string, readonly string[]>;
};

const grant = (type: string) => ({ grant_types_supported: [type] });
const members = (...names: string[]) => Object.fromEntries(names.map((name) => [name, []]));
const endpoint = (name: string) =>
  members(name, `${name}_auth_methods_supported`, `${name}_auth_signing_alg_values_supported`);
const encrypted = (kind: string) =>
  members(
    `${kind}_signing_alg_values_supported`,
    `${kind}_encryption_alg_values_supported`,
    `${kind}_encryption_enc_values_supported`,
  );

const signIn: readonly Spoken[] = [
  {
    what: 'Code flow',
    standard: 'RFC 6749 section 4.1; OpenID Connect Core section 3.1',
    found: {
      ...members('issuer', 'authorization_endpoint', 'token_endpoint'),
      response_types_supported: ['code'],
      response_modes_supported: ['query', 'fragment'],
      ...grant('authorization_code'),
    },
  },
  {
    what: 'PKCE with S256',
    standard: 'RFC 7636 section 4',
    found: members('code_challenge_methods_supported'),
  },
  {
    what: 'The issuer in answers',
    standard: 'RFC 9207 section 2',
    found: members('authorization_response_iss_parameter_supported'),
  },
  {
    what: 'Answers by form_post',
    standard: 'OAuth 2.0 Form Post Response Mode section 2',
    found: { response_modes_supported: ['form_post'] },
  },
  {
    what: 'Requests by POST',
    standard: 'OpenID Connect Core section 3.1.2.1; RFC 6749 section 3.1',
  },
  {
    what: 'Every standard scope and claim ([which gives which](scopes.md)), `address` as one object, `phone_number`',
    standard: 'OpenID Connect Core sections 5.1, 5.1.1, 5.3, 5.4',
    found: members('scopes_supported', 'claims_supported', 'claim_types_supported', 'userinfo_endpoint'),
  },
  {
    what: 'Claims by name',
    standard: 'OpenID Connect Core section 5.5',
    found: members('claims_parameter_supported'),
  },
  {
    what: '`prompt`, `max_age`, `login_hint`, `id_token_hint`, `ui_locales`',
    standard: 'OpenID Connect Core section 3.1.2.1; `create`: Initiating User Registration section 4',
    found: {
      prompt_values_supported: ['none', 'login', 'consent', 'select_account', 'create'],
      ...members('ui_locales_supported', 'display_values_supported'),
    },
  },
  {
    what: 'Levels: `acr_values`, and a step-up',
    standard: 'OpenID Connect Core section 3.1.2.1; RFC 9470 sections 4 to 6',
    found: members('acr_values_supported'),
  },
  {
    what: `ID tokens signed (${signingAlgs.join(', ')}) and encrypted`,
    standard: 'OpenID Connect Core sections 2, 10; RFC 7518 sections 3 to 5',
    by: '`id_token_signed_response_alg`, `id_token_encrypted_response_alg`',
    found: encrypted('id_token'),
  },
  {
    what: 'UserInfo signed and encrypted',
    standard: 'OpenID Connect Core section 5.3.2',
    by: '`userinfo_signed_response_alg`, `userinfo_encrypted_response_alg`',
    found: encrypted('userinfo'),
  },
  {
    what: 'Names for one company alone: pairwise subjects by sector',
    standard: 'OpenID Connect Core sections 8, 8.1',
    by: 'as a rule for apps of others; `subject_type`, `sector_identifier_uri`, `company`',
    found: members('subject_types_supported'),
  },
  {
    what: 'Refresh tokens',
    standard: 'RFC 6749 section 6; OpenID Connect Core sections 11, 12',
    by: '`refresh_token` among `grant_types`',
    found: grant('refresh_token'),
  },
  {
    what: 'Implicit and hybrid flow',
    standard: 'OpenID Connect Core sections 3.2, 3.3',
    by: '`allow_implicit`',
  },
  {
    what: 'Login that a third party begins',
    standard: 'OpenID Connect Core section 4',
    by: '`initiate_login_uri`',
  },
  {
    what: 'Keys, and new ones on a schedule; all at once by `keys rotate --at-once`, one out by `keys retire`',
    standard: 'RFC 7517 section 5; OpenID Connect Core section 10.1.1',
    by: '`KEY_ROTATION_DAYS`',
    found: members('jwks_uri'),
  },
  {
    what: 'Sign-out that an app begins',
    standard: 'RP-Initiated Logout section 2',
    by: '`post_logout_redirect_uris`',
    found: members('end_session_endpoint'),
  },
  {
    what: 'Sign-out that apps are told of',
    standard: 'Back-Channel Logout section 2',
    by: '`backchannel_logout_uri`',
    found: members('backchannel_logout_supported', 'backchannel_logout_session_supported'),
  },
];

const apps: readonly Spoken[] = [
  {
    what: 'Registration, and looking after it',
    standard: 'RFC 7591 section 3; RFC 7592 section 2; OpenID Connect Registration section 3',
    by: '`DYNAMIC_REGISTRATION`',
    found: members('registration_endpoint'),
  },
  {
    what: 'Apps that are a document at an address',
    standard: 'OAuth Client ID Metadata Document (draft) sections 3, 4',
    by: '`CLIENT_ID_METADATA_DOCUMENTS`',
    found: members('client_id_metadata_document_supported'),
  },
  {
    what: 'Secrets, and apps without',
    standard: 'RFC 6749 sections 2.1, 2.3.1',
    by: '`token_endpoint_auth_method`',
    found: { token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'none'] },
  },
  {
    what: 'Authentication by a signature: `private_key_jwt`',
    standard: 'RFC 7523 sections 2.2, 3; OpenID Connect Core section 9',
    by: '`token_endpoint_auth_method`, `jwks` or `jwks_uri`',
    found: {
      token_endpoint_auth_methods_supported: ['private_key_jwt'],
      ...members('token_endpoint_auth_signing_alg_values_supported'),
    },
  },
  {
    what: 'Authentication by a certificate',
    standard: 'RFC 8705 sections 2.1, 2.2',
    by: '`MTLS_HEADER`, `token_endpoint_auth_method`',
    found: { token_endpoint_auth_methods_supported: ['tls_client_auth', 'self_signed_tls_client_auth'] },
  },
  {
    what: 'The endpoints where certificates are asked for',
    standard: 'RFC 8705 section 5',
    by: '`MTLS_ORIGIN`',
    found: members('mtls_endpoint_aliases'),
  },
];

const requests: readonly Spoken[] = [
  {
    what: 'Pushed requests (PAR)',
    standard: 'RFC 9126 sections 2, 4, 5',
    by: 'demanded by `require_pushed_authorization_requests`',
    found: members('pushed_authorization_request_endpoint'),
  },
  {
    what: 'Signed and encrypted requests (JAR)',
    standard: 'RFC 9101 sections 4, 5.1, 6',
    by: 'demanded by `require_signed_request_object`',
    found: {
      ...members('request_parameter_supported', 'request_uri_parameter_supported'),
      ...encrypted('request_object'),
    },
  },
  {
    what: 'Signed and encrypted answers (JARM)',
    standard: 'JWT Secured Authorization Response Mode section 2',
    by: '`response_mode`; `authorization_signed_response_alg`, `authorization_encrypted_response_alg`',
    found: {
      response_modes_supported: ['jwt', 'query.jwt', 'fragment.jwt', 'form_post.jwt'],
      ...encrypted('authorization'),
    },
  },
  {
    what: 'Permission for one thing (RAR)',
    standard: 'RFC 9396 sections 2, 3, 6, 7, 9, 10',
    by: '`authorization_details_types` of an API',
    found: members('authorization_details_types_supported'),
  },
  {
    what: 'High assurance',
    standard:
      'FAPI 2.0 Security Profile sections 5.3.2, 5.4; FAPI 2.0 Message Signing section 5; FAPI-CIBA section 5.2.2',
    by: '`high_assurance`',
  },
];

const tokens: readonly Spoken[] = [
  {
    what: 'Tokens bound to a key (DPoP), with a nonce of ours',
    standard: 'RFC 9449 sections 4 to 10',
    by: 'demanded by `dpop_bound_access_tokens`; the nonce by `DPOP_NONCE`',
    found: members('dpop_signing_alg_values_supported'),
  },
  {
    what: 'Tokens bound to a certificate',
    standard: 'RFC 8705 section 3',
    by: '`MTLS_HEADER`, `tls_client_certificate_bound_access_tokens`',
    found: members('tls_client_certificate_bound_access_tokens'),
  },
  { what: 'Tokens for one API', standard: 'RFC 8707 section 2', by: '`apis create`, `resources` of an app' },
  { what: 'JWT access tokens', standard: 'RFC 9068 sections 2 to 4', by: '`token_format` of an API' },
  { what: 'What an API publishes of itself', standard: 'RFC 9728 sections 2, 3', by: '`apis metadata`' },
  {
    what: 'Introspection',
    standard: 'RFC 7662 section 2; RFC 8414 section 2',
    found: endpoint('introspection_endpoint'),
  },
  {
    what: 'Introspection as a JWT',
    standard: 'RFC 9701 sections 4 to 6',
    by: '`introspection_signed_response_alg`, `introspection_encrypted_response_alg`',
    found: encrypted('introspection'),
  },
  {
    what: 'Revocation',
    standard: 'RFC 7009 section 2; RFC 8414 section 2',
    found: endpoint('revocation_endpoint'),
  },
];

const grants: readonly Spoken[] = [
  {
    what: 'Apps for themselves',
    standard: 'RFC 6749 section 4.4',
    by: '`client_credentials` among `grant_types`',
    found: grant('client_credentials'),
  },
  {
    what: 'Devices without a keyboard',
    standard: 'RFC 8628 sections 3, 5',
    by: 'the grant type among `grant_types`',
    found: {
      ...members('device_authorization_endpoint'),
      ...grant('urn:ietf:params:oauth:grant-type:device_code'),
    },
  },
  {
    what: 'Asking a person by name (CIBA), poll and ping',
    standard: 'CIBA Core sections 7, 10.1, 10.2, 11',
    by: 'the grant type among `grant_types`, `backchannel_token_delivery_mode`',
    found: {
      ...members(
        'backchannel_authentication_endpoint',
        'backchannel_token_delivery_modes_supported',
        'backchannel_user_code_parameter_supported',
        'backchannel_authentication_request_signing_alg_values_supported',
      ),
      ...grant('urn:openid:params:grant-type:ciba'),
    },
  },
  {
    what: 'The next service for the same person (token exchange)',
    standard: 'RFC 8693 sections 2, 4.1, 4.3',
    by: '`first_party`, the grant type among `grant_types`',
    found: grant('urn:ietf:params:oauth:grant-type:token-exchange'),
  },
];

export const spokenParts = {
  'Signing people in': signIn,
  'Apps, and how they prove who they are': apps,
  'Requests and answers': requests,
  'Tokens and APIs': tokens,
  'Other grants': grants,
} as const;
