import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { generate } from 'otplib';
import {
  addTotp,
  enrolTotp,
  listTotp,
  newTotpSecret,
  removeTotp,
  totpUri,
  verifyTotp,
} from '../../src/credentials/totp.ts';
import { totpQr } from '../../src/credentials/totp-qr.ts';
import {
  anAccount,
  type CredentialRoom,
  knownTotpSecret,
  openCredentialRoom,
} from '../support/credentials.ts';

let room: CredentialRoom;
let accountId: string;
let secret: string;
let tests = 0;
beforeAll(async () => {
  room = await openCredentialRoom();
});
afterAll(() => room.close());
beforeEach(async () => {
  accountId = await anAccount(room.db);
  tests += 1;
  secret = knownTotpSecret(`phone ${tests}`);
  room.clock.advance(600_000);
});

/** What the app shows `steps` steps from now. */
const codeAt = (steps = 0, of = secret) =>
  generate({ secret: of, epoch: Math.floor(room.clock.now() / 1000) + steps * 30 });
const sixOther = (code: string) => String((Number(code) + 1) % 1_000_000).padStart(6, '0');

async function enrolled(): Promise<string> {
  const added = await addTotp(room, { accountId, secret, name: 'Phone' });
  if (!added.ok) throw new Error(added.reason);
  return added.id;
}
const verdict = async (code: string) => {
  const answer = await verifyTotp(room, { accountId, code });
  return answer.ok ? 'right' : answer.reason;
};

describe('A code of an authenticator app', () => {
  it.each([
    [-2, 'wrong_code'],
    [-1, 'right'],
    [0, 'right'],
    [1, 'right'],
    [2, 'wrong_code'],
  ])('from %d steps away is %s', async (steps, expected) => {
    await enrolled();
    expect(await verdict(await codeAt(steps))).toBe(expected);
  });

  it('is good once', async () => {
    await enrolled();
    const code = await codeAt();
    expect(await verdict(code)).toBe('right');
    expect(await verdict(code)).toBe('code_already_used');
    room.clock.advance(30_000);
    expect(await verdict(code)).toBe('code_already_used');
    expect(await verdict(await codeAt())).toBe('right');
  });

  it('is not good any more once a newer one was used', async () => {
    await enrolled();
    expect(await verdict(await codeAt())).toBe('right');
    expect(await verdict(await codeAt(-1))).toBe('code_already_used');
  });

  it('may follow the previous one at once', async () => {
    await enrolled();
    expect(await verdict(await codeAt(-1))).toBe('right');
    expect(await verdict(await codeAt())).toBe('right');
  });

  it('may be typed with spaces, and in the digits of the person’s keyboard', async () => {
    await enrolled();
    const code = await codeAt(-1);
    expect(await verdict(` ${code.slice(0, 3)}\u00a0${code.slice(3)} `)).toBe('right');
    const arabic = Array.from(await codeAt(), (digit) => String.fromCodePoint(0x660 + Number(digit))).join(
      '',
    );
    expect(await verdict(arabic)).toBe('right');
  });

  it.each([
    '',
    '12345',
    '1234567',
    'abcdef',
    '12 34 5',
    '-12345',
    '1e5000',
    '0x1234',
    '123456\0',
    '1'.repeat(10_000),
  ])('is wrong, not an error, when it is %p', async (code) => {
    await enrolled();
    expect(await verdict(code)).toBe('wrong_code');
  });

  it('is wrong when it is another one, and needs an app at all', async () => {
    expect(await verdict(await codeAt())).toBe('not_enrolled');
    await enrolled();
    expect(await verdict(sixOther(await codeAt()))).toBe('wrong_code');
  });

  it('of either app of an account is good, each once', async () => {
    const first = await enrolled();
    const other = knownTotpSecret('tablet');
    const second = await addTotp(room, { accountId, secret: other, name: 'Tablet' });
    expect(await verifyTotp(room, { accountId, code: await codeAt(0, other) })).toEqual({
      ok: true,
      credentialId: second.ok && second.id,
    });
    expect(await verifyTotp(room, { accountId, code: await codeAt() })).toEqual({
      ok: true,
      credentialId: first,
    });
    expect(await verdict(await codeAt(0, other))).toBe('code_already_used');
  });

  it('of somebody else’s app is wrong', async () => {
    await enrolled();
    const stranger = await anAccount(room.db);
    const strangers = knownTotpSecret('stranger');
    await addTotp(room, { accountId: stranger, secret: strangers, name: 'Phone' });
    expect(await verdict(await codeAt(0, strangers))).toBe('wrong_code');
  });
});

describe('Enrolling an authenticator app', () => {
  it('needs a right first code, which is used up by it', async () => {
    const code = await codeAt();
    const wrong = await enrolTotp(room, { accountId, secret, code: sixOther(code), name: 'Phone' });
    expect(wrong).toEqual({ ok: false, reason: 'wrong_code' });
    expect(await listTotp(room, accountId)).toEqual([]);
    expect((await enrolTotp(room, { accountId, secret, code, name: 'Phone' })).ok).toBe(true);
    expect(await verdict(code)).toBe('code_already_used');
    room.clock.advance(30_000);
    expect(await verdict(await codeAt())).toBe('right');
  });

  it('happens once when the form is posted twice, or each code would be good twice', async () => {
    const code = await codeAt();
    const posts = await Promise.all(
      [1, 2].map(() => enrolTotp(room, { accountId, secret, code, name: 'Phone' })),
    );
    expect(posts[0]).toEqual(posts[1]);
    expect(await listTotp(room, accountId)).toHaveLength(1);
  });

  it('stores the secret sealed and lists it without', async () => {
    const id = await enrolled();
    const row = await room.db
      .selectFrom('totp_credentials')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    expect(JSON.stringify(row)).not.toContain(secret);
    const listed = { id, name: 'Phone', createdAt: room.clock.now(), lastUsedAt: undefined };
    expect(await listTotp(room, accountId)).toEqual([listed]);
    await verdict(await codeAt());
    expect(await listTotp(room, accountId)).toEqual([{ ...listed, lastUsedAt: room.clock.now() }]);
  });

  it('is undone only for the account that has it', async () => {
    const id = await enrolled();
    expect(await removeTotp(room, { accountId: await anAccount(room.db), id })).toBe(false);
    expect(await removeTotp(room, { accountId, id })).toBe(true);
    expect(await removeTotp(room, { accountId, id })).toBe(false);
    expect(await verdict(await codeAt())).toBe('not_enrolled');
  });

  it.each(['', 'not base32 at all!', 'JBSWY3DP', '01890189018901890189'])(
    'from a seed refuses %p',
    async (text) => {
      expect(await addTotp(room, { accountId, secret: text, name: 'Seed' })).toEqual({
        ok: false,
        reason: 'not_a_secret',
      });
    },
  );

  it('from a seed takes a secret as other systems write it', async () => {
    expect((await addTotp(room, { accountId, secret: 'jbsw y3dp ehpk 3pxp', name: 'Seed' })).ok).toBe(true);
    const code = await generate({
      secret: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP',
      epoch: Math.floor(room.clock.now() / 1000),
    });
    expect(await verdict(code)).toBe('wrong_code');
  });
});

it('A secret has 160 bits and its address names brand and person', () => {
  const made = newTotpSecret();
  expect(made).toMatch(/^[A-Z2-7]{32}$/);
  const uri = new URL(totpUri({ issuer: 'Heron: & Co', account: 'x+y@example.com', secret: made }));
  expect(uri.protocol).toBe('otpauth:');
  expect(decodeURIComponent(uri.pathname)).toBe('/Heron  & Co:x+y@example.com');
  expect(uri.searchParams.get('issuer')).toBe('Heron  & Co');
  expect(uri.searchParams.get('secret')).toBe(made);
  expect(totpQr(uri.href)).toMatch(/^<svg [^>]*viewBox=[^>]*>.*<\/svg>$/s);
});
