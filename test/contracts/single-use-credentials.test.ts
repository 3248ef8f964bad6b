import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { generate } from 'otplib';
import { checkContactCode, issueContactCode } from '../../src/credentials/contact-codes.ts';
import {
  findPassword,
  hashPassword,
  removePassword,
  setPassword,
  storePasswordHash,
  verifyPassword,
} from '../../src/credentials/password.ts';
import { addTotp, enrolTotp, listTotp, verifyTotp } from '../../src/credentials/totp.ts';
import { openSeals } from '../../src/kit/sealing.ts';
import { openLog } from '../../src/web/log.ts';
import {
  anAccount,
  type CredentialRoom,
  knownTotpSecret,
  openCredentialRoom,
} from '../support/credentials.ts';
import { databaseKinds, liveKinds, openTestLive, type TestLive } from '../support/stores.ts';

/** What is single-use is so under a race, on every store: TEST_POSTGRES_URL and TEST_REDIS_URL add the servers. */
describe.each(databaseKinds)('On %s', (kind) => {
  let room: CredentialRoom;
  beforeAll(async () => {
    room = await openCredentialRoom({}, kind);
  });
  afterAll(() => room.close());
  const codeNow = (secret: string) => generate({ secret, epoch: Math.floor(room.clock.now() / 1000) });

  it('twenty uses of one authenticator code at once sign in once', async () => {
    const accountId = await anAccount(room.db);
    const secret = knownTotpSecret('phone');
    await addTotp(room, { accountId, secret, name: 'Phone' });
    await addTotp(room, { accountId, secret: knownTotpSecret('tablet'), name: 'Tablet' });
    const code = await codeNow(secret);
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => verifyTotp(room, { accountId, code })),
    );
    const reasons = answers.filter((answer) => !answer.ok).map((answer) => answer.reason);
    expect(reasons).toEqual(Array(19).fill('code_already_used'));
  });

  it('one enrolment posted ten times at once is one enrolment', async () => {
    const accountId = await anAccount(room.db);
    const secret = knownTotpSecret('phone');
    const code = await codeNow(secret);
    const given = { accountId, secret, code, name: 'Phone' };
    await Promise.all(Array.from({ length: 10 }, () => enrolTotp(room, given)));
    expect(await listTotp(room, accountId)).toHaveLength(1);
    expect((await verifyTotp(room, { accountId, code })).ok).toBe(false);
  });

  it('a password is set, checked, replaced and removed', async () => {
    const accountId = await anAccount(room.db);
    for (const password of ['quiet lagoon 44', 'another lagoon 45']) {
      await setPassword(room, { accountId, password });
      expect(await verifyPassword(room, { accountId, password })).toBe(true);
    }
    expect(await verifyPassword(room, { accountId, password: 'quiet lagoon 44' })).toBe(false);
    expect(await findPassword(room, accountId)).toEqual({ changedAt: room.clock.now() });
    await removePassword(room, accountId);
    expect(await findPassword(room, accountId)).toBeUndefined();
  });

  it('a password does not take the place of one that was set after what it was proved by', async () => {
    const accountId = await anAccount(room.db);
    const hashed = await hashPassword(room, 'quiet lagoon 44');
    const unlessSetAfter = room.clock.now();
    const set = () => storePasswordHash(room, { accountId, ...hashed, unlessSetAfter });
    expect([await set(), await set()]).toEqual([true, true]);
    room.clock.advance(1);
    await setPassword(room, { accountId, password: 'another lagoon 45' });
    expect(await set()).toBe(false);
    expect(await verifyPassword(room, { accountId, password: 'another lagoon 45' })).toBe(true);
  });
});

describe.each(liveKinds)('On %s', (kind) => {
  let home: TestLive;
  beforeAll(async () => {
    home = await openTestLive(kind);
  });
  afterAll(() => home.close());
  const seals = openSeals([randomBytes(32)]);
  const bound = (about: string) => ({ purpose: 'reset' as const, about });
  const other = (code: string, by: number) => String((Number(code) + by) % 1_000_000).padStart(6, '0');

  it('of fifty guesses at once five are looked at, and then the right one does not help', async () => {
    const ctx = { live: home.live, seals, log: openLog({ level: 'silent' }) };
    const { id, code } = await issueContactCode(ctx, { ...bound('guessing'), data: {} });
    const guesses = Array.from({ length: 50 }, (_, i) =>
      checkContactCode(ctx, { ...bound('guessing'), id, code: other(code, i + 1) }),
    );
    const reasons = (await Promise.all(guesses)).map((answer) => (answer.ok ? 'right' : answer.reason));
    expect(reasons.filter((reason) => reason === 'wrong_code')).toHaveLength(5);
    expect(reasons.filter((reason) => reason === 'expired')).toHaveLength(45);
    expect(await checkContactCode(ctx, { ...bound('guessing'), id, code })).toEqual({
      ok: false,
      reason: 'expired',
    });
  });

  it('of five right answers at once one is taken', async () => {
    const ctx = { live: home.live, seals, log: openLog({ level: 'silent' }) };
    const { id, code } = await issueContactCode(ctx, { ...bound('racing'), data: { accountId: 'a' } });
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => checkContactCode(ctx, { ...bound('racing'), id, code })),
    );
    expect(answers.filter((answer) => answer.ok)).toMatchObject([{ ok: true, data: { accountId: 'a' } }]);
  });

  it('a newer code sent while the older one is typed is not spent by it', async () => {
    const ctx = { live: home.live, seals, log: openLog({ level: 'silent' }) };
    for (let round = 0; round < 10; round += 1) {
      const about = `resending ${round}`;
      const older = await issueContactCode(ctx, { ...bound(about), data: {} });
      const [, newer] = await Promise.all([
        checkContactCode(ctx, { ...bound(about), id: older.id, code: older.code }),
        issueContactCode(ctx, { ...bound(about), data: {} }),
      ]);
      const again = await checkContactCode(ctx, { ...bound(about), id: older.id, code: older.code });
      expect(again.ok).toBe(false);
      const next = await checkContactCode(ctx, { ...bound(about), id: newer.id, code: newer.code });
      expect(next.ok).toBe(true);
    }
  });
});
