import type { ClientAuthMethod, Configuration, KoaContextWithOIDC, Provider } from 'oidc-provider';
import type { Services } from '../../services.ts';
import { isNamed, type SubjectMember } from './certificate-names.ts';
import { openClientCertificates } from './client-certificates.ts';
import { mtlsEndpoints } from './mtls-endpoints.ts';

type Features = NonNullable<Configuration['features']>;

/** Apps that authenticate by their certificate, and tokens bound to it (RFC 8705), when MTLS_HEADER says where it stands. */
export function mtls(services: Pick<Services, 'settings' | 'clock'>): NonNullable<Features['mTLS']> {
  if (services.settings.MTLS_HEADER === undefined) return { enabled: false, getCertificate: () => undefined };
  const certificates = openClientCertificates(services);
  return {
    enabled: true,
    certificateBoundAccessTokens: true,
    selfSignedTlsClientAuth: true,
    tlsClientAuth: true,
    getCertificate: ({ req }: KoaContextWithOIDC) => certificates.of(req),
    certificateAuthorized: ({ req }: KoaContextWithOIDC) => certificates.isVerified(req),
    certificateSubjectMatches({ req }: KoaContextWithOIDC, member: string, expected: string) {
      const certificate = certificates.of(req);
      return certificate !== undefined && isNamed(certificate, member as SubjectMember, expected);
    },
  };
}

/** RFC 8705 section 5: the same endpoints at the address where certificates are asked for. */
export function mtlsAliases({ settings }: Pick<Services, 'settings'>): Record<string, unknown> {
  const { MTLS_ORIGIN } = settings;
  if (MTLS_ORIGIN === undefined) return {};
  const aliases = Object.entries(mtlsEndpoints).map(([name, path]) => [name, `${MTLS_ORIGIN}${path}`]);
  return { mtls_endpoint_aliases: Object.fromEntries(aliases) };
}

/**
 * An endpoint has two names then, and an assertion may be for either, whichever it is sent to (RFC 7523 section 3): the
 * engine knows the one that it was called by.
 */
export function answerToBothNames(provider: Provider, { settings }: Pick<Services, 'settings'>): void {
  const { MTLS_ORIGIN, ISSUER } = settings;
  if (MTLS_ORIGIN === undefined) return;
  const prototype = provider.OIDCContext.prototype as unknown as {
    clientJwtAuthExpectedAudience(): Set<string>;
  };
  const own = prototype.clientJwtAuthExpectedAudience;
  prototype.clientJwtAuthExpectedAudience = function () {
    const names = [...own.call(this)];
    const paths = names.map((name) => new URL(name).pathname).filter((path) => path !== '/');
    return new Set([...names, ...paths.flatMap((path) => [`${ISSUER}${path}`, `${MTLS_ORIGIN}${path}`])]);
  };
}

/** How apps may prove themselves by a certificate. */
export function mtlsMethods({ settings }: Pick<Services, 'settings'>): ClientAuthMethod[] {
  return settings.MTLS_HEADER === undefined ? [] : ['tls_client_auth', 'self_signed_tls_client_auth'];
}
