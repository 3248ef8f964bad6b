import type { X509Certificate } from 'node:crypto';

/**
 * Who a certificate is for, compared with what an app registered (RFC 8705 section 2.1.2): its subject as RFC 4514 writes
 * one, or one of its alternative names. Values are compared exactly: two names that differ in case are two names.
 */
export type SubjectMember =
  | 'tls_client_auth_subject_dn'
  | 'tls_client_auth_san_dns'
  | 'tls_client_auth_san_uri'
  | 'tls_client_auth_san_ip'
  | 'tls_client_auth_san_email';

export function isNamed(certificate: X509Certificate, member: SubjectMember, expected: string): boolean {
  if (member === 'tls_client_auth_subject_dn') return isSubject(certificate, expected);
  const [label, fold] = alternatives[member];
  return alternativeNames(certificate, label).some((name) => fold(name) === fold(expected));
}

const same = (text: string) => text;
const alternatives = {
  tls_client_auth_san_dns: ['DNS', (name: string) => name.toLowerCase()],
  tls_client_auth_san_uri: ['URI', same],
  tls_client_auth_san_ip: ['IP Address', plainIp],
  tls_client_auth_san_email: ['email', same],
} as const;

/** `DNS:a.test, URI:"urn:x, y"`: Node writes what could be taken for two as a JSON text. */
function alternativeNames({ subjectAltName = '' }: X509Certificate, label: string): string[] {
  const found: string[] = [];
  for (const [, kind, value = ''] of subjectAltName.matchAll(
    /([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/g,
  ))
    if (kind === label) found.push(value.startsWith('"') ? (JSON.parse(value) as string) : value);
  return found;
}

/** `2001:DB8:0:0::1` and `2001:db8::1` are one address. */
function plainIp(text: string): string {
  return URL.canParse(`http://[${text}]`) ? new URL(`http://[${text}]`).hostname : text;
}

/** Node writes one line for each part of the subject, the outermost first; RFC 4514 writes the innermost first. */
function isSubject({ subject = '' }: X509Certificate, expected: string): boolean {
  const own = subject.split('\n').map((line) => partsOf(line, ' + '));
  const asked = splitOutside(expected, ',').map((rdn) => partsOf(rdn, '+'));
  return JSON.stringify(own.toReversed()) === JSON.stringify(asked);
}

function partsOf(rdn: string, between: string): string[] {
  return splitOutside(rdn, between)
    .map((pair) => {
      const equals = pair.indexOf('=');
      const type = pair.slice(0, equals).trim().toUpperCase();
      return `${types[type] ?? type}=${unescaped(pair.slice(equals + 1))}`;
    })
    .sort();
}

/** RFC 4514 section 3 and the names that OpenSSL and others give. */
const types: Record<string, string> = {
  '2.5.4.3': 'CN',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '1.2.840.113549.1.9.1': 'EMAILADDRESS',
  '0.9.2342.19200300.100.1.25': 'DC',
  '0.9.2342.19200300.100.1.1': 'UID',
  S: 'ST',
  E: 'EMAILADDRESS',
};

/** Where `between` is not escaped. */
function splitOutside(text: string, between: string): string[] {
  const parts: string[] = [];
  let part = '';
  for (let at = 0; at < text.length; at += 1) {
    if (text.startsWith(between, at)) {
      parts.push(part);
      part = '';
      at += between.length - 1;
    } else if (text[at] === '\\') {
      part += text.slice(at, at + 2);
      at += 1;
    } else part += text[at];
  }
  return [...parts, part];
}

/** `\2C` and `\,` are a comma; spaces around a value are not part of it unless escaped. */
function unescaped(value: string): string {
  const plain = value.replace(/^ +/, '').replace(/(?<!\\) +$/, '');
  return plain.replace(/(?:\\[0-9a-fA-F]{2})+|\\(.)/g, (all: string, character?: string) =>
    character === undefined ? Buffer.from(all.replaceAll('\\', ''), 'hex').toString('utf8') : character,
  );
}
