import { domainToASCII } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { parseIdentifier } from '../../src/accounts/identifier.ts';
import { fc } from '../support/properties.ts';

const region = 'US';

describe('an e-mail address', () => {
  it.each([
    ['Ada@Example.com', 'ada@example.com', 'Ada@example.com'],
    ['  ada@example.com\n', 'ada@example.com', 'ada@example.com'],
    ['ada.lovelace+news@mail.example.co.uk', 'ada.lovelace+news@mail.example.co.uk', undefined],
    ["o'brien@example.com", "o'brien@example.com", undefined],
    ['ada@münchen.de', 'ada@xn--mnchen-3ya.de', 'ada@münchen.de'],
    // The same domain with a combining diaeresis, and in full-width letters.
    ['ada@mu\u0308nchen.de', 'ada@xn--mnchen-3ya.de', 'ada@münchen.de'],
    ['ada@ｅxample.com', 'ada@example.com', 'ada@example.com'],
    ['ada@faß.de', 'ada@xn--fa-hia.de', 'ada@faß.de'],
    ['ada@中国.中国', 'ada@xn--fiqs8s.xn--fiqs8s', 'ada@中国.中国'],
    ['ada@XN--MNCHEN-3YA.de', 'ada@xn--mnchen-3ya.de', 'ada@münchen.de'],
  ])('reads %j as %j', (typed, address, written = address) => {
    expect(parseIdentifier(typed, { region })).toEqual({ ok: true, channel: 'email', address, written });
  });

  it.each([
    ['nobody', ''],
    ['no mailbox', '@example.com'],
    ['no domain', 'ada@'],
    ['no dot in the domain', 'ada@localhost'],
    ['two at signs', 'ada@home@example.com'],
    ['dots in a row', 'ada..l@example.com'],
    ['a dot in front', '.ada@example.com'],
    ['a trailing dot', 'ada@example.com.'],
    ['an address literal', 'ada@[127.0.0.1]'],
    ['a number for a host', 'ada@127.0.0.1'],
    ['a short number for a host', 'ada@127.1'],
    ['a quoted mailbox', '"ada l"@example.com'],
    ['a display name', 'Ada <ada@example.com>'],
    ['a second recipient', 'ada@example.com,eve@example.com'],
    ['a header', 'ada@example.com\r\nBcc: eve@example.com'],
    ['NUL', 'ada\u0000@example.com'],
    ['a per cent escape', 'ada@ex%61mple.com'],
    ['a full-width per cent sign', 'ada@ex\uff0541mple.com'],
    ['a path', 'ada@example.com/eve'],
    ['a hyphen in front', 'ada@-example.com'],
    ['broken punycode', 'ada@xn--\u00e4.com'],
    ['a dotless i, which folds to an ordinary one', 'ad\u0131@example.com'],
    ['a lone surrogate', 'ada\ud800@example.com'],
    ['a mailbox of 65 characters', `${'a'.repeat(65)}@example.com`],
    ['255 characters', `ada@${'a'.repeat(60)}.${'b'.repeat(60)}.${'c'.repeat(60)}.${'d'.repeat(64)}.com`],
    ['60 KB', `${'a'.repeat(60_000)}@example.com`],
    ['an SQL trick', "' OR 1=1--@"],
  ])('is not %s', (_what, typed) => {
    expect(parseIdentifier(typed, { region })).toEqual({ ok: false, reason: 'not_an_address' });
  });

  it('is written to at the very domain it is compared by, whatever was typed', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 30 }), (host) => {
        const read = parseIdentifier(`ada@${host}.com`, { region });
        if (!read.ok) return;
        const domain = read.written.slice(read.written.lastIndexOf('@') + 1);
        expect(`ada@${domainToASCII(domain)}`).toBe(read.address);
        // Reading again what we wrote changes nothing.
        expect(parseIdentifier(read.written, { region })).toEqual(read);
      }),
    );
  });
});

describe('a phone number', () => {
  it.each([
    ['+1 202 555 0123', '+12025550123', '+1 202 555 0123'],
    ['(202) 555-0123', '+12025550123', '+1 202 555 0123'],
    ['202.555.0123', '+12025550123', '+1 202 555 0123'],
    ['٢٠٢٥٥٥٠١٢٣', '+12025550123', '+1 202 555 0123'],
    ['＋１２０２５５５０１２３', '+12025550123', '+1 202 555 0123'],
    ['+49 1512 3456789', '+4915123456789', '+49 1512 3456789'],
    ['+81 90-1234-5678', '+819012345678', '+81 90 1234 5678'],
  ])('reads %j as %j', (typed, address, written) => {
    expect(parseIdentifier(typed, { region })).toEqual({ ok: true, channel: 'phone', address, written });
  });

  it('without a country code is one of the country in the settings', () => {
    expect(parseIdentifier('01512 3456789', { region: 'DE' })).toMatchObject({ address: '+4915123456789' });
  });

  it.each([
    ['too short', '0123'],
    ['no number of its country', '+1 555 555 0123'],
    ['letters', '1-800-FLOWERS'],
    ['an extension', '+1 202 555 0123 ext. 4'],
    ['a URI', 'tel:+12025550123'],
    ['a wildcard', '%'],
    ['a premium number, which bills who texts it', '+49 900 1234567'],
    ['two numbers', '+12025550123 +12025550124 +12025550125 +1'],
  ])('is not %s', (_what, typed) => {
    expect(parseIdentifier(typed, { region }).ok).toBe(false);
  });
});
