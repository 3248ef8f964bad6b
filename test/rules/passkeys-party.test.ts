import { describe, expect, it } from '@jest/globals';
import { relyingParty } from '../../src/credentials/webauthn-party.ts';
import { readSettings } from '../../src/settings.ts';

const party = (environment: Record<string, string>) =>
  relyingParty(readSettings({ SMTP_URL: 'smtp://mail.example.com', ...environment }));
const problem = (environment: Record<string, string>) => () => party(environment);
const issuer = 'https://id.shop.example.com';

describe('the name that passkeys are made for', () => {
  it("is the issuer's host, and its origin the only one", () => {
    expect(party({ ISSUER: issuer })).toEqual({
      id: 'id.shop.example.com',
      name: 'Latchkey',
      origin: issuer,
      relatedOrigins: [issuer],
      alone: true,
    });
  });

  it('may be a domain above it, which others may use as well', () => {
    expect(party({ ISSUER: issuer, RP_ID: 'example.com' })).toMatchObject({
      id: 'example.com',
      origin: issuer,
      alone: false,
    });
  });

  it.each([
    ['example.org'],
    ['other.example.com'],
    ['ample.com'],
    ['x.id.shop.example.com'],
    ['com'],
    ['Example.com'],
    ['example.com.'],
    ['https://example.com'],
    ['example.com:443'],
    ['*.example.com'],
  ])('is not %s', (RP_ID) => {
    expect(problem({ ISSUER: issuer, RP_ID })).toThrow(/RP_ID/);
  });

  it.each(['co.uk', 'com.au', 'uk'])('is nothing that nobody owns, such as %s', (RP_ID) => {
    expect(problem({ ISSUER: `https://id.shop.${RP_ID}`, RP_ID })).toThrow(/RP_ID/);
  });

  it('may be elsewhere when it names us as a related origin', () => {
    const moved = { ISSUER: 'https://id.new.example', RP_ID: 'old.example' };
    expect(problem(moved)).toThrow(/WEBAUTHN_ORIGINS/);
    expect(
      party({ ...moved, WEBAUTHN_ORIGINS: 'https://id.new.example, https://old.example' }),
    ).toMatchObject({
      id: 'old.example',
      origin: 'https://id.new.example',
      relatedOrigins: ['https://id.new.example', 'https://old.example'],
      alone: false,
    });
  });

  it.each(['http://shop.example', 'https://shop.example/', 'shop.example', 'https://shop.example/x'])(
    'has no related origin %s',
    (origin) => {
      expect(problem({ ISSUER: issuer, WEBAUTHN_ORIGINS: origin })).toThrow(/WEBAUTHN_ORIGINS/);
    },
  );

  it('is none where the issuer is a bare address: browsers have no passkeys for those', () => {
    expect(party({ ISSUER: 'http://127.0.0.1:3000' })).toBeUndefined();
    expect(party({ ISSUER: 'https://192.0.2.1' })).toBeUndefined();
    expect(party({ ISSUER: 'http://[::1]:3000' })).toBeUndefined();
    expect(party({ ISSUER: 'http://localhost:3000' })).toMatchObject({ id: 'localhost' });
  });
});
