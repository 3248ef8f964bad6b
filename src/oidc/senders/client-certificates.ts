import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { trustedProxies } from '../../kit/trusted-proxies.ts';
import type { Services } from '../../services.ts';
import { comesFromProxy } from '../../web/request-source.ts';

/**
 * The certificate that an app showed when the connection was made (RFC 8705). TLS ends at a proxy, which passes it in a
 * header; nobody else is believed. The proxy asks for certificates without demanding one, and accepts those it cannot
 * verify, for some apps register the certificate itself; it must take away the header that a client sent (RFC 9440
 * section 3, docs/operations.md).
 *
 * `authorities`: with a file of our own (MTLS_CA) a certificate counts as verified when one of them issued it, it is
 * within its time and may be used by clients; without one, when a proxy that writes nginx's headers says SUCCESS. A proxy of
 * RFC 9440 writes no such header, and would pass on one that the client wrote. Lists of revoked certificates are the
 * proxy's to read.
 */
export type ClientCertificates = {
  of(req: IncomingMessage): X509Certificate | undefined;
  isVerified(req: IncomingMessage): boolean;
};

type Context = Pick<Services, 'settings' | 'clock'>;

export function openClientCertificates({ settings, clock }: Context): ClientCertificates {
  const { MTLS_HEADER: header, MTLS_CA } = settings;
  const trusted = trustedProxies(settings.TRUSTED_PROXIES);
  const authorities = MTLS_CA === undefined ? undefined : readAuthorities(readFileSync(MTLS_CA, 'utf8'));
  const seen = new WeakMap<IncomingMessage, { certificate: X509Certificate | undefined }>();

  function read(req: IncomingMessage): X509Certificate | undefined {
    if (header === undefined || !comesFromProxy(req, trusted)) return undefined;
    const value = req.headers[header];
    return typeof value === 'string' ? parse(value, header) : undefined;
  }

  function of(req: IncomingMessage): X509Certificate | undefined {
    const known = seen.get(req) ?? { certificate: read(req) };
    seen.set(req, known);
    return known.certificate;
  }

  return {
    of,
    isVerified(req) {
      const certificate = of(req);
      if (!certificate) return false;
      if (!authorities)
        return header === 'x-ssl-client-cert' && req.headers['x-ssl-client-verify'] === 'SUCCESS';
      return isIssuedBy(authorities, certificate, clock.now());
    },
  };
}

/** Undefined for anything that is not one certificate: two headers come as one text with a comma in it. */
function parse(value: string, header: 'client-cert' | 'x-ssl-client-cert'): X509Certificate | undefined {
  try {
    if (header === 'x-ssl-client-cert') {
      const pem = decodeURIComponent(value);
      return onePem.test(pem) ? new X509Certificate(pem) : undefined;
    }
    // A byte sequence of structured fields (RFC 9440 section 2.1, RFC 8941 section 3.3.5).
    const [, der] = /^:([A-Za-z0-9+/]+={0,2}):$/.exec(value.trim()) ?? [];
    return der === undefined ? undefined : new X509Certificate(Buffer.from(der, 'base64'));
  } catch {
    return undefined;
  }
}

const onePem = /^-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*$/;

/** Every certificate of a PEM file. */
function readAuthorities(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) throw new Error('MTLS_CA has no certificate in PEM form');
  return blocks.map((block) => new X509Certificate(block));
}

const forClients = '1.3.6.1.5.5.7.3.2';

function isIssuedBy(
  authorities: readonly X509Certificate[],
  certificate: X509Certificate,
  now: number,
): boolean {
  // An authority's own certificate is nobody's to authenticate with.
  if (certificate.ca || !isWithinItsTime(certificate, now)) return false;
  // Node's name for the extended key usages; the types say they are always there.
  const uses = certificate.keyUsage as string[] | undefined;
  if (uses && !uses.includes(forClients)) return false;
  return authorities.some(
    (authority) =>
      authority.ca &&
      isWithinItsTime(authority, now) &&
      certificate.checkIssued(authority) &&
      certificate.verify(authority.publicKey),
  );
}

function isWithinItsTime({ validFromDate, validToDate }: X509Certificate, now: number): boolean {
  return validFromDate.getTime() <= now && now < validToDate.getTime();
}
