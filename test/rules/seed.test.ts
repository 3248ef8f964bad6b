import { describe, expect, it } from '@jest/globals';
import { registrableScopes } from '../../clients/registry/members/flows.ts';
import { scopes } from '../../src/consents/scopes.ts';
import { readSeedFile } from '../../src/operator/seed-file.ts';
import { readSettings } from '../../src/settings.ts';

const settings = readSettings({});
const read = (text: string) => readSeedFile({ settings }, text);

function problemsOf(text: string): Record<string, string> {
  const result = read(text);
  return result.ok ? {} : Object.fromEntries(result.problems.map((one) => [one.field, one.problem]));
}

function accepted(text: string) {
  const result = read(text);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.seed;
}

describe('a seed file', () => {
  it('takes every standard claim by its name', () => {
    const seed = accepted(`
accounts:
  - email: Ada@Example.com
    email_verified: true
    phone_number: +1 604 555 1234
    phone_number_verified: true
    password: violet-anchor-7291-meadow
    totp_secret: jbsw y3dp ehpk 3pxp
    name: Ada Lovelace
    given_name: Ada
    family_name: Lovelace
    middle_name: King
    nickname: Countess
    preferred_username: ada
    profile: https://ada.example/
    picture: https://ada.example/a.png
    website: https://ada.example/
    gender: female
    birthdate: 1815-12-10
    zoneinfo: Europe/London
    locale: en-GB
    address: { formatted: "1 Road", street_address: 1 Road, locality: London, region: X, postal_code: 01234, country: GB }
`);
    expect(seed.accounts[0]?.account).toMatchObject({
      contacts: [
        { channel: 'email', address: 'ada@example.com', verified: true },
        { channel: 'phone', address: '+16045551234', verified: true },
      ],
      profile: { name: 'Ada Lovelace', birthdate: '1815-12-10', address: { postal_code: '01234' } },
    });
  });

  it('is JSON as well as YAML', () => {
    const seed = accepted(
      '{"apps":[{"client_id":"c","client_secret":"0123456789abcdef","redirect_uris":["https://a.example/"]}]}',
    );
    expect(seed.apps).toMatchObject([{ clientId: 'c', clientSecret: '0123456789abcdef' }]);
  });

  it('takes what a registration answered, but for a secret that ends', () => {
    const answered = (until: number) =>
      `apps: [{ client_id: c, redirect_uris: ["https://a.example/"], client_id_issued_at: 1700000000, client_secret_expires_at: ${until} }]`;
    const seed = accepted(answered(0));
    expect(seed.apps[0]?.metadata).toEqual({ redirect_uris: ['https://a.example/'] });
    expect(seed.notes).toContainEqual(expect.stringContaining('apps[0].client_id_issued_at'));
    expect(problemsOf(answered(1800000000))['apps[0].client_secret_expires_at']).toMatch(/must be 0/);
  });

  it('reads digits as the text they are, but for numbers of seconds', () => {
    const seed = accepted(`
accounts: [{ email: a@example.com, password: 94817263540918, birthdate: 1990 }]
apps: [{ client_id: 42, client_secret: 12345678901234567890123456789012, redirect_uris: ["https://a.example/"], default_max_age: 60 }]
`);
    expect(seed.accounts[0]?.account.password).toBe('94817263540918');
    expect(seed.accounts[0]?.account.profile.birthdate).toBe('1990');
    expect(seed.apps[0]).toMatchObject({
      clientId: '42',
      clientSecret: '12345678901234567890123456789012',
      metadata: { default_max_age: 60 },
    });
  });

  it.each<[string, string, RegExp]>([
    ['line 1', 'accounts: [', /./],
    ['file', 'just words', /accounts:, apis: and apps:/],
    ['file', '', /accounts:, apis: and apps:/],
    ['account', 'account: []', /Did you mean accounts/],
    ['accounts', 'accounts: {}', /must be a list/],
    ['accounts[0]', 'accounts: [x]', /object/],
    ['accounts[0].email', 'accounts: [{ name: X }]', /missing/],
    ['accounts[0].email', 'accounts: [{ email: nobody }]', /not an e-mail/],
    ['accounts[0].phone_number', 'accounts: [{ phone_number: a@example.com }]', /not a phone number/],
    ['accounts[0].emial', 'accounts: [{ emial: a@example.com }]', /Did you mean email/],
    ['accounts[0].sub', 'accounts: [{ email: a@example.com, sub: x }]', /chosen by Latchkey/],
    [
      'accounts[0].email_verified',
      'accounts: [{ email: a@example.com, email_verified: yes }]',
      /true or false/,
    ],
    [
      'accounts[0].password',
      'accounts: [{ email: a@example.com, password: password1 }]',
      /attackers try first/,
    ],
    ['accounts[0].password', 'accounts: [{ email: a@example.com, password: short }]', /fewer than 8/],
    ['accounts[0].totp_secret', 'accounts: [{ email: a@example.com, totp_secret: "0189" }]', /base32/],
    ['accounts[0].birthdate', 'accounts: [{ email: a@example.com, birthdate: tomorrow }]', /YYYY/],
    [
      'accounts[0].address.planet',
      'accounts: [{ email: a@example.com, address: { planet: x } }]',
      /not a member/,
    ],
    ['email a@example.com', 'accounts: [{ email: a@example.com }, { email: A@EXAMPLE.com }]', /twice/],
    [
      'app c',
      'apps: [{ client_id: c, redirect_uris: ["https://a.example/"] }, { client_id: c, redirect_uris: ["https://a.example/"] }]',
      /twice/,
    ],
    ['apps[0].client_id', 'apps: [{ redirect_uris: ["https://a.example/"] }]', /Choose one/],
    [
      'apps[0].redirect_uris[0]',
      'apps: [{ client_id: c, redirect_uris: ["http://a.example/"] }]',
      /plain http/,
    ],
    [
      'apps[0].client_secret',
      'apps: [{ client_id: c, client_secret: x, redirect_uris: ["https://a.example/"] }]',
      /shorter/,
    ],
    [
      'apps[0].client_secret',
      'apps: [{ client_id: c, client_secret: "0123456789abcdef", token_endpoint_auth_method: none, redirect_uris: ["https://a.example/"] }]',
      /of no use/,
    ],
    [
      'apps[0].__proto__',
      'apps: [{ client_id: c, __proto__: { x: 1 }, redirect_uris: ["https://a.example/"] }]',
      /not a member/,
    ],
  ])('is refused at %s: %s', (field, text, sentence) => {
    const problems = problemsOf(text);
    const found = Object.keys(problems).find((one) => one === field || one.startsWith(`${field},`));
    expect(found).toBeDefined();
    expect(problems[found ?? '']).toMatch(sentence);
  });

  it('tells the problems of all entries together', () => {
    const problems = problemsOf(`
accounts: [{ email: x }, { email: b@example.com, password: short }]
apps: [{ client_id: c, redirect_uris: [ftp://a.example/] }]
`);
    expect(Object.keys(problems)).toEqual([
      'accounts[0].email',
      'accounts[1].password',
      'apps[0].redirect_uris[0]',
    ]);
  });

  it('does not unfold a bomb of references', () => {
    const bomb = ['a: &a [x, x, x, x, x, x, x, x, x, x]'];
    for (let i = 1; i < 9; i += 1) {
      const [name, before] = [String.fromCharCode(97 + i), String.fromCharCode(96 + i)];
      bomb.push(`${name}: &${name} [${Array(10).fill(`*${before}`).join(', ')}]`);
    }
    expect(problemsOf(bomb.join('\n'))['file']).toMatch(/alias/i);
  });

  it('lets apps ask for the scopes that people can consent to, and no others', () => {
    expect(registrableScopes).toEqual(Object.keys(scopes));
  });
});
