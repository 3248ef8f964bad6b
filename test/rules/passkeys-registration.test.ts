import { describe, expect, it } from '@jest/globals';
import { checkRegistration } from '../../src/credentials/webauthn-registration.ts';
import { readRegistration } from '../../src/credentials/webauthn-response.ts';
import { newSecret } from '../../src/kit/secrets.ts';
import {
  type Client,
  type Flags,
  type Kind,
  SoftwareAuthenticator,
} from '../support/software-authenticator.ts';

const origin = 'https://id.example.com';
const rpId = 'example.com';
const options = () => ({ challenge: newSecret(), rp: { id: rpId }, user: { id: newSecret() } });

function registered(
  { kind, ...client }: Client & { kind?: Kind; flags?: Flags } = {},
  expected: { verified?: boolean; quiet?: boolean } = {},
) {
  const authenticator = new SoftwareAuthenticator({ origin, ...(kind && { kind }) });
  const response = readRegistration(authenticator.register(options(), client));
  if (!response) return 'unreadable';
  const checked = checkRegistration(response, { rpId, origin, verified: true, quiet: false, ...expected });
  return checked.ok ? 'taken' : checked.reason;
}

describe('a registration', () => {
  it.each(['ES256', 'EdDSA', 'RS256'] as const)('is taken with a key of %s', (kind) => {
    expect(registered({ kind })).toBe('taken');
  });

  it.each(['RS1', 'ES384', 'RS256-1024'] as const)(
    'is refused with a key of %s, whatever the page offered (misuse case WA-15)',
    (kind) => {
      expect(registered({ kind })).toBe('key_not_taken');
    },
  );

  it.each([
    ['the type of a sign-in', { type: 'webauthn.get' }, 'wrong_page'],
    ['plain http', { origin: 'http://id.example.com' }, 'wrong_page'],
    ['another port', { origin: 'https://id.example.com:8443' }, 'wrong_page'],
    ['a subdomain', { origin: 'https://x.id.example.com' }, 'wrong_page'],
    ['the domain above', { origin: 'https://example.com' }, 'wrong_page'],
    ['a host that begins like ours', { origin: 'https://id.example.com.evil.test' }, 'wrong_page'],
    ['an origin with a slash', { origin: 'https://id.example.com/' }, 'wrong_page'],
    ['a frame of another site (WA-09)', { crossOrigin: true }, 'wrong_page'],
    ['a page above it (WA-09)', { topOrigin: 'https://evil.test' }, 'wrong_page'],
    ['a key for another party', { rpId: 'evil.test' }, 'wrong_party'],
    ['a key for our host, not our party', { rpId: 'id.example.com' }, 'wrong_party'],
    ['nobody there', { flags: { up: false } }, 'not_present'],
    ['nobody recognised', { flags: { uv: false } }, 'not_verified'],
    ['a backup of what cannot be backed up', { flags: { be: false, bs: true } }, 'wrong_backup_flags'],
    ['a type of nothing', { type: 'payment.get' }, 'malformed'],
  ])('is refused from %s (misuse case WA-01)', (_, client, reason) => {
    expect(registered(client)).toBe(reason);
  });

  it('bears a byte order mark and members we do not know, as the standard says (WA-01)', () => {
    expect(registered({ bom: true, more: { somethingNew: { a: [1] }, tokenBinding: {} } })).toBe('taken');
  });

  it('needs nobody to touch anything when it is made quietly', () => {
    const unseen = { flags: { up: false, uv: false } };
    expect(registered(unseen, { quiet: true, verified: false })).toBe('taken');
    expect(registered(unseen, { quiet: true, verified: true })).toBe('not_verified');
  });

  it('is of the credential that the authenticator signed, whatever the browser calls it', () => {
    const authenticator = new SoftwareAuthenticator({ origin });
    const sent = { ...JSON.parse(authenticator.register(options())), id: newSecret() };
    const response = readRegistration(JSON.stringify(sent));
    if (!response) throw new Error('unreadable');
    const checked = checkRegistration(response, { rpId, origin, verified: true, quiet: false });
    expect(checked).toEqual({ ok: false, reason: 'malformed' });
  });

  it.each([
    ['no JSON', 'x'],
    ['null', 'null'],
    ['a list', '[]'],
    ['no response', '{"id":"aaaa","type":"public-key"}'],
    [
      'bytes that are no base64url',
      '{"id":"aaaa","type":"public-key","response":{"clientDataJSON":"+/=","attestationObject":""}}',
    ],
    [
      'too much',
      JSON.stringify({
        id: 'aaaa',
        type: 'public-key',
        response: { clientDataJSON: 'A'.repeat(9000), attestationObject: '' },
      }),
    ],
  ])('is nothing that %s could be', (_, text) => {
    expect(readRegistration(text)).toBeUndefined();
  });

  it('refuses an attestation object that is cut anywhere, and throws on none', () => {
    const authenticator = new SoftwareAuthenticator({ origin });
    const sent = JSON.parse(authenticator.register(options()));
    const whole = Buffer.from(sent.response.attestationObject, 'base64url');
    for (let length = 0; length < whole.length; length += 1) {
      sent.response.attestationObject = whole.subarray(0, length).toString('base64url');
      const response = readRegistration(JSON.stringify(sent));
      if (!response) throw new Error('unreadable');
      const checked = checkRegistration(response, { rpId, origin, verified: true, quiet: false });
      expect(checked).toEqual({ ok: false, reason: 'malformed' });
    }
  });
});
