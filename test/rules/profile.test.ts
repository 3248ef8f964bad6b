import { describe, expect, it } from '@jest/globals';
import type { Account } from '../../src/accounts/account.ts';
import { claimsOf } from '../../src/accounts/claims.ts';
import { profileSchema } from '../../src/accounts/profile.ts';

describe('a profile', () => {
  it('takes every standard claim that a person can say of themselves', () => {
    const profile = {
      name: 'Ada Lovelace',
      given_name: 'Ada',
      family_name: 'Lovelace',
      middle_name: 'King',
      nickname: 'Ada',
      preferred_username: 'ada',
      profile: 'https://example.com/ada',
      picture: 'https://example.com/ada.png',
      website: 'http://ada.example/',
      gender: 'female',
      birthdate: '1815-12-10',
      zoneinfo: 'Europe/London',
      locale: 'en-GB',
      address: {
        formatted: '12 St James’s Square\nLondon',
        street_address: '12 St James’s Square',
        locality: 'London',
        region: 'England',
        postal_code: 'SW1Y 4JH',
        country: 'United Kingdom',
      },
    };
    expect(profileSchema.parse(profile)).toEqual(profile);
  });

  it.each([
    'email_verified',
    'email',
    'phone_number_verified',
    'sub',
    'id',
    'userId',
    'role',
    'is_operator',
    'suspended',
    'password_hash',
    'mfa',
    'created_at',
    'updated_at',
    '__proto__',
    'constructor',
  ])('refuses the member %s, which is not the person’s to say', (name) => {
    const profile = JSON.parse(`{"name":"Ada","${name}":true}`);
    expect(profileSchema.safeParse(profile).success).toBe(false);
  });

  it.each([
    ['markup, to be escaped where it is shown', '<img src=x onerror=alert(1)>'],
    ['a template', '{{7*7}} <%= 7*7 %> #{7*7}'],
    ['right-to-left text', 'عائشة'],
    ['a joined emoji', '👩‍🚀'],
    ['a quote', "Robert'); DROP TABLE accounts;--"],
  ])('keeps %s as it is', (_what, name) => {
    expect(profileSchema.parse({ name })).toEqual({ name });
  });

  it.each([
    ['nothing', '   '],
    ['a new line', 'Ada\nBcc: eve@example.com'],
    ['a carriage return', 'Ada\rEve'],
    ['NUL', 'Ada\u0000'],
    ['an escape sequence', '\u001b[2JAda'],
    ['a line separator', 'Ada\u2028Eve'],
    ['a right-to-left override', 'Ada\u202egnp.exe'],
    ['a lone surrogate', 'Ada\ud800'],
    ['201 characters', 'a'.repeat(201)],
    ['10 KB', 'a'.repeat(10_000)],
    ['a number', 7],
    ['a list', ['Ada']],
    ['an object', { $gt: '' }],
    ['null', null],
  ])('refuses %s for a name', (_what, name) => {
    expect(profileSchema.safeParse({ name }).success).toBe(false);
  });

  it.each([
    ['picture', 'javascript:alert(1)'],
    ['picture', 'data:image/png;base64,AAAA'],
    ['website', 'https://example.com@evil.test/'],
    ['website', 'example.com'],
    ['birthdate', '2023-02-29'],
    ['birthdate', '10.12.1815'],
    ['birthdate', '0000'],
    ['zoneinfo', 'Europe/Nowhere'],
    ['zoneinfo', '+01:00'],
    ['locale', 'not a locale'],
  ])('refuses the %s %j', (claim, value) => {
    expect(profileSchema.safeParse({ [claim]: value }).success).toBe(false);
  });

  it.each([
    ['birthdate', '1815'],
    ['birthdate', '0000-02-29'],
    ['locale', 'en_US'],
  ])('takes the %s %j', (claim, value) => {
    expect(profileSchema.parse({ [claim]: value })).toEqual({ [claim]: value });
  });

  it('writes the newlines of an address as the specification does', () => {
    const address = { formatted: '1 High Street\r\nLondon' };
    expect(profileSchema.parse({ address }).address?.formatted).toBe('1 High Street\nLondon');
  });
});

describe('the claims of an account', () => {
  const account: Account = {
    id: 'account-1',
    profile: { name: 'Ada' },
    contacts: [],
    createdAt: 1_000_000,
    updatedAt: 1_234_567,
    suspendedAt: null,
    suspendedReason: null,
    lockedAt: null,
    lockedReason: null,
    signedOutBefore: null,
    signedOutExcept: null,
  };
  const contact = { id: 'c', createdAt: 0 };

  it('leave out what is not known', () => {
    expect(claimsOf(account)).toEqual({ sub: 'account-1', name: 'Ada', updated_at: 1234 });
  });

  it('name the proved address before an older one that is not', () => {
    const contacts: Account['contacts'] = [
      { ...contact, channel: 'email', address: 'old@a.de', written: 'old@a.de', verifiedAt: null },
      { ...contact, channel: 'email', address: 'b@xn--c-0fa.de', written: 'B@cä.de', verifiedAt: 5 },
      { ...contact, channel: 'phone', address: '+12025550123', written: '+1 202 555 0123', verifiedAt: null },
    ];
    expect(claimsOf({ ...account, contacts })).toMatchObject({
      // ASCII, as RFC 5322 wants it.
      email: 'B@xn--c-0fa.de',
      email_verified: true,
      phone_number: '+12025550123',
      phone_number_verified: false,
    });
  });
});
