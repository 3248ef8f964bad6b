import { afterAll, describe, expect, it } from '@jest/globals';
import { systemClock } from '../../src/kit/clock.ts';
import { isNamed, type SubjectMember } from '../../src/oidc/senders/certificate-names.ts';
import { openClientCertificates } from '../../src/oidc/senders/client-certificates.ts';
import { openAuthority } from '../support/certificates.ts';

/** Whom a certificate names (RFC 8705 section 2.1.2). */
const authority = openAuthority();
afterAll(() => authority.close());

const { certificate } = authority.issues({
  subject: '/C=DE/O=Example\\, Inc./OU=a+OU=b/CN=Pay \\+ ship/emailAddress=ops@example.test',
  san: 'DNS:app.example.test,DNS:other.example.test,URI:urn:example:app,IP:2001:db8::1,IP:192.0.2.7,email:app@example.test',
});

const member = (name: string) => `tls_client_auth_${name}` as SubjectMember;

describe('a certificate', () => {
  it.each([
    ['subject_dn', 'emailAddress=ops@example.test,CN=Pay \\+ ship,OU=a+OU=b,O=Example\\, Inc.,C=DE'],
    [
      'subject_dn',
      '1.2.840.113549.1.9.1=ops@example.test, 2.5.4.3=Pay \\2B ship, OU=b+OU=a, O=Example\\2c Inc., c=DE',
    ],
    ['san_dns', 'app.example.test'],
    ['san_dns', 'OTHER.example.test'],
    ['san_uri', 'urn:example:app'],
    ['san_ip', '2001:DB8:0::1'],
    ['san_ip', '192.0.2.7'],
    ['san_email', 'app@example.test'],
  ])('names by %s: %s', (name, expected) => {
    expect([certificate.subject, isNamed(certificate, member(name), expected)]).toEqual([
      certificate.subject,
      true,
    ]);
  });

  it.each([
    ['subject_dn', 'CN=Pay \\+ ship,OU=a+OU=b,O=Example\\, Inc.,C=DE'],
    ['subject_dn', 'C=DE,O=Example\\, Inc.,OU=a+OU=b,CN=Pay \\+ ship,emailAddress=ops@example.test'],
    ['subject_dn', 'CN=pay \\+ ship'],
    ['subject_dn', ''],
    ['san_dns', 'example.test'],
    ['san_dns', 'app.example.test, DNS:other.example.test'],
    ['san_uri', 'urn:example:ap'],
    ['san_ip', '192.0.2.70'],
    ['san_email', 'APP@example.test'],
    ['san_dns', 'urn:example:app'],
  ])('does not name by %s: %s', (name, expected) => {
    expect(isNamed(certificate, member(name), expected)).toBe(false);
  });

  it('has no second name hidden in the first', () => {
    const san = '@names\n[names]\nURI.1=urn:x, DNS:admin.test';
    const odd = authority.issues({ subject: '/CN=x\\, CN=admin', san }).certificate;
    expect(isNamed(odd, member('san_uri'), 'urn:x, DNS:admin.test')).toBe(true);
    expect(isNamed(odd, member('subject_dn'), 'CN=admin,CN=x')).toBe(false);
    expect(isNamed(odd, member('san_dns'), 'admin.test')).toBe(false);
  });
});

describe('a certificate in a header, with nobody of ours to verify it', () => {
  const bytes = `:${certificate.raw.toString('base64')}:`;
  const written = { 'client-cert': bytes, 'x-ssl-client-cert': encodeURIComponent(certificate.toString()) };
  const judged = (header: keyof typeof written, { peer = '10.0.0.1', says = 'SUCCESS' } = {}) => {
    const settings = { MTLS_HEADER: header, MTLS_CA: undefined, TRUSTED_PROXIES: ['10.0.0.1'] };
    const certificates = openClientCertificates({ settings, clock: systemClock } as never);
    const headers = { ...written, 'x-ssl-client-verify': says };
    const req = { headers, socket: { remoteAddress: peer } } as never;
    return { there: certificates.of(req) !== undefined, verified: certificates.isVerified(req) };
  };

  it('is verified when nginx says so, once, and from nobody but the proxy', () => {
    expect(judged('x-ssl-client-cert')).toEqual({ there: true, verified: true });
    for (const says of ['FAILED', 'NONE', 'SUCCESS, SUCCESS', ''])
      expect(judged('x-ssl-client-cert', { says })).toEqual({ there: true, verified: false });
    expect(judged('x-ssl-client-cert', { peer: '10.0.0.2' })).toEqual({ there: false, verified: false });
  });

  it('is not verified by a header that a proxy of RFC 9440 does not write, and so the client may', () => {
    expect(judged('client-cert')).toEqual({ there: true, verified: false });
  });
});
