import { argon2Sync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as ours from '@node-rs/argon2';
import * as plain from 'argon2';
import { newBackupCodes, replaceBackupCodes, useBackupCode } from '../../src/credentials/backup-codes.ts';
import { storePasswordHash, verifyPassword } from '../../src/credentials/password.ts';
import { peppered as givenUnder, newestPepper } from '../../src/credentials/peppers.ts';
import { readSettings } from '../../src/settings.ts';
import { anAccount, type CredentialRoom, newPepper, openCredentialRoom } from '../support/credentials.ts';

/** The library that hashes, held to the standard and to the reference implementation (docs/decisions/0034). */
const today = { memoryCost: 19456, timeCost: 2, parallelism: 1 };
const digest = (hash: string) => hash.slice(hash.lastIndexOf('$') + 1);

describe('argon2id', () => {
  it('is that of RFC 9106, which OpenSSL vouches for: the library takes no associated data', async () => {
    const members = { message: Buffer.alloc(32, 1), nonce: Buffer.alloc(16, 2), secret: Buffer.alloc(8, 3) };
    const price = { parallelism: 4, tagLength: 32, memory: 32, passes: 3 };
    const vector = argon2Sync('argon2id', { ...members, ...price, associatedData: Buffer.alloc(12, 4) });
    // Section 5.3.
    expect(vector.toString('hex')).toBe('0d640df58d78766c08c037a34a8b53c9d01ef0452d75b65eb52520e96b01e659');
    const { message, nonce: salt, secret } = members;
    const raw = await ours.hashRaw(message, { salt, secret, memoryCost: 32, timeCost: 3, parallelism: 4 });
    expect(raw).toEqual(argon2Sync('argon2id', { ...members, ...price }));
  });

  it.each(['quiet lagoon 44', '', '🦊🚲🌵🎻', 'x'.repeat(1000), 'cut\0here'])(
    'is the same by both libraries: %j',
    async (text) => {
      const salt = Buffer.from('0123456789abcdef');
      const [one, other] = [
        await ours.hash(text, { ...today, salt }),
        await plain.hash(text, { ...today, salt }),
      ];
      expect(digest(one)).toBe(digest(other));
      expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
      expect(await ours.verify(other, text)).toBe(true);
      expect(await plain.verify(one, text)).toBe(true);
      expect(await ours.verify(other, `${text}.`)).toBe(false);
    },
  );
});

describe('What the plain library has hashed', () => {
  let room: CredentialRoom;
  beforeAll(async () => {
    room = await openCredentialRoom();
  });
  afterAll(() => room.close());

  it('is a good password, and is not hashed anew', async () => {
    const accountId = await anAccount(room.db);
    const hash = await plain.hash('quiet lagoon 44', today);
    await storePasswordHash(room, { accountId, hash, pepperId: null });
    const before = await room.hashes();
    expect(await verifyPassword(room, { accountId, password: 'wrong' })).toBe(false);
    expect(await verifyPassword(room, { accountId, password: 'quiet lagoon 44' })).toBe(true);
    expect(await room.hashes()).toBe(before + 2);
  });

  it('is a good password under a pepper, whose digests are no text', async () => {
    const accountId = await anAccount(room.db);
    const peppered = { ...room, settings: readSettings({ PASSWORD_PEPPER: newPepper() }) };
    const pepper = newestPepper(peppered.settings);
    const hash = await plain.hash(givenUnder(pepper, 'quiet lagoon 44'), today);
    await storePasswordHash(room, { accountId, hash, pepperId: pepper?.id ?? null });
    expect(await verifyPassword(peppered, { accountId, password: 'quiet lagoon 45' })).toBe(false);
    expect(await verifyPassword(peppered, { accountId, password: 'quiet lagoon 44' })).toBe(true);
  });

  it('is a good backup code', async () => {
    const accountId = await anAccount(room.db);
    const { codes, rows } = await newBackupCodes(room, { accountId });
    // As the plain library writes the recipe.
    const older = rows.map((row) => ({ ...row, hash: row.hash.replace(',t=2,p=1$', ',p=1,t=2$') }));
    expect(older[0]?.hash).not.toBe(rows[0]?.hash);
    await replaceBackupCodes(room.db, { accountId, rows: older });
    expect(await useBackupCode(room, { accountId, code: codes[3] ?? '' })).toMatchObject({
      ok: true,
      left: 9,
    });
  });
});
