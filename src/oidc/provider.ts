import type { IncomingMessage } from 'node:http';
import type { JWK, Provider } from 'oidc-provider';
import type { Api } from '../../clients/registry/apis/apis.ts';
import { scopes } from '../consents/scopes.ts';
import { levelNames } from '../kit/levels.ts';
import type { Services } from '../services.ts';
import { accountClient } from './account-client.ts';
import { openAdapter } from './adapter.ts';
import { enabledAlgorithms } from './answers/algorithms.ts';
import { decideClaimsByScope } from './answers/claims-by-scope.ts';
import { endpointMethods } from './answers/endpoint-methods.ts';
import { readHints } from './answers/id-token-hints.ts';
import { knownResponseTypes } from './answers/response-types.ts';
import { fapiProfile, isHighAssurance } from './assurance/high-assurance.ts';
import { judgeAssertion, judgeRequestObject } from './assurance/rules.ts';
import { demandSignedAnswers } from './assurance/signed-answers.ts';
import { browserCookies, cookieNames } from './browser-cookies.ts';
import { ciba, withNobody } from './ciba/ciba-flow.ts';
import { accountFinder } from './claims.ts';
import { compareSecret, keepClients, ownSwitches } from './client-adapter.ts';
import { issuesCompatRefreshToken, rotates } from './compat/refresh-policy.ts';
import { countCompatScopes } from './compat/requested-scopes.ts';
import { dressTokens } from './compat/token-form.ts';
import { watchRefreshes } from './compat/watch-refresh.ts';
import { wrongRedirect } from './compat/wrong-redirect.ts';
import type { CookieKeys } from './cookie-keys.ts';
import { nameAskedByGrant } from './cross-device/asked-records.ts';
import { slowDownPolling } from './cross-device/pace.ts';
import { richRequests } from './details/detail-types.ts';
import { deviceFlow } from './device/device-flow.ts';
import { mostFetchedBytes, openEgress } from './egress.ts';
import { extraTokenClaims } from './exchange/actors.ts';
import { registerTokenExchange } from './exchange/token-exchange.ts';
import { OpenProvider } from './grant-handlers.ts';
import { existingGrant } from './grant-minting.ts';
import { openInteractionPolicy } from './interaction-policy.ts';
import { toEngineKey } from './keys/local-signing-key.ts';
import { requestKeys } from './keys/request-keys.ts';
import type { KnownRecords } from './known-records.ts';
import { openLifetimes } from './lifetimes.ts';
import { allowOfflineAccess, endsWithSession, issuesRefreshToken } from './offline-access.ts';
import type { PairwiseSubjects } from './pairwise.ts';
import { pkceRequired } from './pkce.ts';
import { listenToProvider } from './provider-events.ts';
import {
  bindTokensByGrant,
  detectReplaysAtomically,
  nameSessionsByUid,
  nameTokensByGrant,
} from './record-names.ts';
import { registrationEndpoint } from './registration-endpoint.ts';
import { findJwtTokens } from './resources/jwt-tokens.ts';
import { resourceIndicators } from './resources/resource-servers.ts';
import { rememberRefusals } from './reuse.ts';
import { dpop } from './senders/dpop.ts';
import { answerToBothNames, mtls, mtlsAliases, mtlsMethods } from './senders/mtls.ts';
import { noteLogouts } from './sign-out/deliver-notices.ts';
import { signOutViews } from './sign-out/sign-out-views.ts';
import { levelClaims, sayLevels } from './step-up/level-check.ts';
import { mayIntrospect, mayRevoke } from './token-policies.ts';
import type { EngineViews } from './views.ts';

export type ProviderParts = {
  jwks: JWK[];
  apis: readonly Api[];
  cookieKeys: CookieKeys;
  views: EngineViews;
  subjects: PairwiseSubjects;
  known: KnownRecords;
};

/**
 * The engine, set up after RFC 9700 and OAuth 2.1. This reads like the list of what it does; what the engine leaves to
 * us (docs: "what the engine really does") stands in the files this one imports.
 */
export function openProvider(
  services: Services,
  { jwks, apis, cookieKeys, views, subjects, known }: ProviderParts,
): Provider {
  const { settings } = services;
  const made: { provider?: Provider } = {};
  const context = {
    ...services,
    get provider(): Provider {
      return made.provider as Provider;
    },
  };

  const provider: Provider = new OpenProvider(settings.issuer.origin, {
    adapter: openAdapter({ ...services, known }),
    clients: [accountClient(settings, settings.BRAND_NAME)],
    jwks: { keys: [...jwks.map(toEngineKey), ...requestKeys(services)] },
    findAccount: withNobody(accountFinder(known)),

    // The code flow (RFC 9700 section 2.1), and what an operator allows single old apps; PKCE with S256 (section 2.1.1).
    responseTypes: knownResponseTypes,
    pkce: { required: pkceRequired },
    allowOmittingSingleRegisteredRedirectUri: false,
    acceptQueryParamAccessTokens: false,
    // No symmetric method: it would need the secret itself, and we keep its digest only.
    clientAuthMethods: [...clientAuthMethods, ...mtlsMethods(services)],
    assertJwtClientAuthClaimsAndHeader: judgeAssertion(services),
    enabledJWA: enabledAlgorithms(),
    clientDefaults: { id_token_signed_response_alg: 'RS256' },

    scopes: Object.keys(scopes),
    claims: {
      ...Object.fromEntries(Object.entries(scopes).map(([scope, { claims }]) => [scope, [...claims]])),
      openid: [...scopes.openid.claims, ...levelClaims],
    },
    // Levels that apps may ask for, and what tokens say of them (RFC 9470).
    acrValues: [...levelNames],
    extraTokenClaims,
    subjectTypes: ['public', 'pairwise'],
    pairwiseIdentifier: async (_ctx, accountId, client) => subjects(client, accountId),

    // Every use gives a new refresh token; one that comes twice ends the grant (RFC 9700 section 4.14.2). Where the token
    // is bound to its sender a thief has no use for it, and losing one on the wire costs a sign-in (FAPI 2.0 section 5.3.2.1).
    rotateRefreshToken: (ctx) => !isHighAssurance(ctx.oidc.client) && rotates(ctx),
    issueRefreshToken: async (ctx, client, code) =>
      issuesCompatRefreshToken(ctx, client, code) ?? issuesRefreshToken(client, code.scopes as Set<string>),
    expiresWithSession: async (_ctx, code) => endsWithSession(code),
    loadExistingGrant: async (ctx) => existingGrant(context, ctx),
    ttl: openLifetimes(services),
    formats: { bitsOfOpaqueRandomness: (_ctx, token) => (token.kind === 'Grant' ? 132 : 256) },

    features: {
      devInteractions: { enabled: false },
      // Our keys are not elsewhere, but sign faster by themselves: local-signing-key.ts.
      externalSigningSupport: { enabled: true, ack: 'experimental-01' },
      rpInitiatedLogout: { enabled: true, ...signOutViews(views, subjects) },
      backchannelLogout: { enabled: true },
      pushedAuthorizationRequests: { enabled: true, allowUnregisteredRedirectUris: false },
      // Claims by name (OpenID Connect Core section 5.5), and what apps are told as signed and encrypted JWTs.
      claimsParameter: { enabled: true },
      jwtUserinfo: { enabled: true },
      encryption: { enabled: true },
      // Signed requests by value (RFC 9101), signed answers (JARM), and answers of introspection as JWTs (RFC 9701).
      requestObjects: { enabled: true, assertJwtClaimsAndHeader: judgeRequestObject },
      jwtResponseModes: { enabled: true },
      jwtIntrospection: { enabled: true },
      dPoP: dpop(services),
      mTLS: mtls(services),
      fapi: { enabled: true, profile: fapiProfile },
      introspection: { enabled: true, allowedPolicy: mayIntrospect(known) },
      revocation: { enabled: true, allowedPolicy: mayRevoke },
      clientCredentials: { enabled: true },
      deviceFlow: deviceFlow(),
      ciba: ciba({ ...services, views }),
      resourceIndicators: resourceIndicators(known),
      richAuthorizationRequests: richRequests(apis, known) as never,
    },

    cookies: {
      keys: cookieKeys as unknown as string[],
      names: cookieNames,
      long: { signed: true, httpOnly: true, sameSite: 'lax', path: '/' },
      short: { signed: true, httpOnly: true, sameSite: 'lax' },
    },
    interactions: {
      policy: openInteractionPolicy({ ...services, subjects }),
      url: async (_ctx, interaction) => `/interaction/${interaction.uid}`,
    },
    routes: {
      authorization: '/authorize',
      token: '/token',
      userinfo: '/userinfo',
      jwks: '/jwks',
      pushed_authorization_request: '/par',
      introspection: '/introspect',
      revocation: '/revoke',
      device_authorization: '/device/authorize',
      code_verification: '/device',
      backchannel_authentication: '/backchannel',
      end_session: '/logout',
    },
    extraClientMetadata: { properties: [...ownSwitches] },
    extraParams: ['scope_data'],
    clientBasedCORS: (_ctx, origin, client) =>
      client.tokenEndpointAuthMethod === 'none' && originsOf(client.redirectUris).has(origin),
    // Seconds. What was signed by a clock that is this far ahead is accepted (FAPI 2.0 Security Profile section 5.3.2.1).
    // What we store ends on time all the same.
    clockTolerance: 10,
    fetch: openEgress(services) as typeof fetch,
    fetchResponseBodyLimits: { jwks_uri: mostFetchedBytes, sector_identifier_uri: mostFetchedBytes },
    renderError: async (ctx, { error, error_description }) =>
      error === 'invalid_redirect_uri' && ctx.oidc.client
        ? views.showWrongRedirect(ctx, wrongRedirect(ctx))
        : views.showRefusal(ctx, { status: ctx.status, error, description: error_description }),
    discovery: {
      ...mtlsAliases(services),
      ...registrationEndpoint(settings),
      ...endpointMethods([...clientAuthMethods, ...mtlsMethods(services)]),
      claim_types_supported: ['normal'],
      display_values_supported: ['page'],
      prompt_values_supported: ['none', 'login', 'consent', 'select_account', 'create'],
      ui_locales_supported: ['en', 'de', 'es', 'fr', 'ja', 'ar'],
      ...(settings.PRIVACY_URL ? { op_policy_uri: settings.PRIVACY_URL } : {}),
      ...(settings.TERMS_URL ? { op_tos_uri: settings.TERMS_URL } : {}),
    },
  });

  made.provider = provider;
  provider.Client.prototype.compareClientSecret = compareSecret(services);
  keepClients(provider, known);
  decideClaimsByScope(provider);
  readHints(provider);
  noteLogouts(provider, services);
  allowOfflineAccess(provider);
  demandSignedAnswers(provider);
  answerToBothNames(provider, services);
  nameTokensByGrant(provider, services);
  bindTokensByGrant(provider);
  dressTokens(provider, services);
  countCompatScopes(provider);
  nameAskedByGrant(provider);
  slowDownPolling(provider, services);
  findJwtTokens(provider, { jwks, known });
  registerTokenExchange(provider, services, { mayIntrospect: mayIntrospect(known), subjects });
  rememberRefusals(provider);
  nameSessionsByUid(provider);
  detectReplaysAtomically(provider, services);
  pinToIssuer(provider, services);
  wrapCookies(provider, services);
  sayLevels(provider);
  listenToProvider(services, provider, views);
  watchRefreshes(services, provider, views);
  return provider;
}

/**
 * The engine builds addresses from the Host header and decides on `Secure` by the socket. Both come from the issuer
 * here, whatever stands in a request or a proxy's headers.
 */
export function pinToIssuer(app: { request: object }, { settings }: Pick<Services, 'settings'>): void {
  const { issuer, MTLS_ORIGIN } = settings;
  const [own, second] = [
    new URL(issuer.origin),
    MTLS_ORIGIN === undefined ? undefined : new URL(MTLS_ORIGIN),
  ];
  // At the second address the endpoints have names of their own, which proofs and assertions are made for.
  const asked = ({ req }: Asked) => (second && req.headers.host === second.host ? second : own);
  Object.defineProperty(app.request, 'host', {
    configurable: true,
    get(this: Asked) {
      return asked(this).host;
    },
  });
  Object.defineProperty(app.request, 'protocol', {
    configurable: true,
    get(this: Asked) {
      return asked(this).protocol.slice(0, -1);
    },
  });
}

type Asked = { req: IncomingMessage };

/** The engine makes contexts of its own to reach cookies by; these get ours as well. */
function wrapCookies(provider: Provider, { settings }: Pick<Services, 'settings'>): void {
  const createContext = provider.createContext.bind(provider);
  provider.createContext = ((...given: Parameters<typeof createContext>) => {
    const ctx = createContext(...given);
    ctx.cookies = browserCookies(ctx.cookies, {
      path: ctx.path,
      cookieHeader: ctx.get('cookie'),
      https: settings.issuer.https,
    });
    return ctx;
  }) as typeof provider.createContext;
}

const clientAuthMethods = ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'] as const;

function originsOf(redirectUris: readonly string[] = []): Set<string> {
  return new Set(redirectUris.filter((uri) => uri.startsWith('http')).map((uri) => new URL(uri).origin));
}
