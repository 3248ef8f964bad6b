import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  checkNewPassword,
  findPassword,
  hashPassword,
  removePassword,
  setPassword,
  storePasswordHash,
  verifyPassword,
} from '../../src/credentials/password.ts';
import { PepperMissing, requirePeppers } from '../../src/credentials/peppers.ts';
import { openBoundedQueue, QueueFull } from '../../src/kit/bounded-queue.ts';
import { readSettings } from '../../src/settings.ts';
import { anAccount, type CredentialRoom, newPepper, openCredentialRoom } from '../support/credentials.ts';

let room: CredentialRoom;
beforeAll(async () => {
  room = await openCredentialRoom();
});
afterAll(() => room.close());

async function personWith(password: string): Promise<string> {
  const accountId = await anAccount(room.db);
  await setPassword(room, { accountId, password });
  return accountId;
}

const stored = (accountId: string) =>
  room.db.selectFrom('passwords').selectAll().where('account_id', '=', accountId).executeTakeFirstOrThrow();

const long = (length: number) => 'k7Lq'.repeat(length / 4 + 1).slice(0, length);

describe('Signing in with a password (SI-11)', () => {
  it.each([64, 72, 73, 128, 256])('takes a password of %d characters as a whole', async (length) => {
    const password = long(length);
    const accountId = await personWith(password);
    const tries = [
      password,
      `${password.slice(0, -1)}!`,
      password.slice(0, -1),
      `${password}a`,
      ...(length > 72 ? [password.slice(0, 72)] : []),
    ];
    const answers = await Promise.all(
      tries.map((typed) => verifyPassword(room, { accountId, password: typed })),
    );
    expect(answers).toEqual(tries.map((typed) => typed === password));
  });

  it('does not cut at 72 bytes where the characters are wider than bytes', async () => {
    const password = '🦊🚲🌵🎻'.repeat(5);
    const accountId = await personWith(password);
    expect(await verifyPassword(room, { accountId, password })).toBe(true);
    expect(await verifyPassword(room, { accountId, password: `${password.slice(0, -2)}🧀` })).toBe(false);
  });

  it.each([
    ['without its space at the end', 'quiet lagoon 44'],
    ['in other case', 'Quiet lagoon 44 '],
    ['cut at a NUL that follows', 'quiet lagoon 44 \0tail'],
    ['with half a surrogate pair behind it', 'quiet lagoon 44 \ud83e'],
    ['not at all', ''],
    ['with its accent left away', 'quiet lagoon 44 \u0301'],
  ])('refuses it typed %s', async (_, typed) => {
    const accountId = await personWith('quiet lagoon 44 ');
    expect(await verifyPassword(room, { accountId, password: typed })).toBe(false);
  });

  it('takes it from a keyboard that composes accents and from one that does not', async () => {
    const accountId = await personWith('caf\u00e9 ol\u00e9 99');
    expect(await verifyPassword(room, { accountId, password: 'cafe\u0301 ole\u0301 99' })).toBe(true);
  });

  it('stores no password that is not text', async () => {
    await expect(hashPassword(room, 'quiet\0lagoon 44')).rejects.toThrow('not checked');
  });

  it('knows when it was set, and replaces it', async () => {
    const accountId = await personWith('quiet lagoon 44');
    room.clock.advance(1000);
    await setPassword(room, { accountId, password: 'another lagoon 45' });
    expect(await findPassword(room, accountId)).toEqual({ changedAt: room.clock.now() });
    expect(await verifyPassword(room, { accountId, password: 'quiet lagoon 44' })).toBe(false);
    expect(await verifyPassword(room, { accountId, password: 'another lagoon 45' })).toBe(true);
  });

  it('ends with its removal', async () => {
    const accountId = await personWith('quiet lagoon 44');
    await removePassword(room, accountId);
    expect(await findPassword(room, accountId)).toBeUndefined();
    expect(await verifyPassword(room, { accountId, password: 'quiet lagoon 44' })).toBe(false);
  });

  it('hashes once in every case, so that the time does not tell who has an account', async () => {
    const accountId = await personWith('quiet lagoon 44');
    const withoutPassword = await anAccount(room.db);
    const cases = [
      { accountId, password: 'quiet lagoon 44' },
      { accountId, password: 'wrong' },
      { accountId, password: 'not text\0' },
      { accountId, password: 'long'.repeat(100) },
      { accountId: withoutPassword, password: 'wrong' },
      { accountId: 'no such account', password: 'wrong' },
      { accountId: undefined, password: 'wrong' },
      { accountId: undefined, password: '' },
    ];
    for (const given of cases) {
      const before = await room.hashes();
      await verifyPassword(room, given);
      expect(await room.hashes()).toBe(before + 1);
    }
  });

  it('passes a full queue on, and tells known from unknown by nothing there either', async () => {
    const accountId = await personWith('quiet lagoon 44');
    const hashQueue = openBoundedQueue({ width: 1, depth: 0, retryAfter: 3 });
    let finish = () => {};
    const busy = hashQueue.run(
      () =>
        new Promise<void>((done) => {
          finish = done;
        }),
    );
    for (const who of [accountId, undefined])
      await expect(
        verifyPassword({ ...room, hashQueue }, { accountId: who, password: 'quiet lagoon 44' }),
      ).rejects.toThrow(QueueFull);
    finish();
    await busy;
  });
});

describe('A stored hash', () => {
  it('is argon2id and says its cost', async () => {
    const { hash, pepper_id } = await stored(await personWith('quiet lagoon 44'));
    expect(hash).toMatch(/^\$argon2id\$v=19\$/);
    expect(hash.split('$')[3]).toBe('m=19456,t=2,p=1');
    expect(pepper_id).toBeNull();
  });

  it('is made anew at the next sign-in when the cost was raised, and keeps its date', async () => {
    const accountId = await personWith('quiet lagoon 44');
    const before = await stored(accountId);
    room.clock.advance(1000);
    const dearer = { ...room, settings: readSettings({ ARGON2_MEMORY_KIB: '20480' }) };
    expect(await verifyPassword(dearer, { accountId, password: 'wrong' })).toBe(false);
    expect(await stored(accountId)).toEqual(before);
    expect(await verifyPassword(dearer, { accountId, password: 'quiet lagoon 44' })).toBe(true);
    const after = await stored(accountId);
    expect(after.hash).toContain('m=20480');
    expect(after.changed_at).toBe(before.changed_at);
    expect(await verifyPassword(dearer, { accountId, password: 'quiet lagoon 44' })).toBe(true);
    expect(await stored(accountId)).toEqual(after);
  });

  it('does not come back when the password is changed while it is made anew', async () => {
    const accountId = await personWith('quiet lagoon 44');
    const fresh = await hashPassword(room, 'another lagoon 45');
    let runs = 0;
    // The change lands after the old password was checked and before its new hash is written.
    const hashQueue = {
      ...room.hashQueue,
      async run<Result>(work: () => Promise<Result>) {
        const result = await work();
        runs += 1;
        if (runs === 2) await storePasswordHash(room, { accountId, ...fresh });
        return result;
      },
    };
    const dearer = { ...room, hashQueue, settings: readSettings({ ARGON2_MEMORY_KIB: '20480' }) };
    expect(await verifyPassword(dearer, { accountId, password: 'quiet lagoon 44' })).toBe(true);
    expect(runs).toBe(2);
    expect((await stored(accountId)).hash).toBe(fresh.hash);
  });

  it('does not cost a sign-in when there is no room to make it anew', async () => {
    const accountId = await personWith('quiet lagoon 44');
    let runs = 0;
    const hashQueue = {
      ...room.hashQueue,
      async run<Result>(work: () => Promise<Result>) {
        runs += 1;
        if (runs > 1) throw new QueueFull(1);
        return work();
      },
    };
    const dearer = { ...room, hashQueue, settings: readSettings({ ARGON2_MEMORY_KIB: '20480' }) };
    expect(await verifyPassword(dearer, { accountId, password: 'quiet lagoon 44' })).toBe(true);
  });
});

describe('A pepper (KR-07)', () => {
  const under = (...peppers: string[]) => ({
    ...room,
    settings: readSettings({ PASSWORD_PEPPER: peppers.join(',') }),
  });
  const password = 'quiet lagoon 44';

  it('is mixed into new hashes, and into old ones at the next sign-in', async () => {
    const [older, newer] = [newPepper(), newPepper()];
    const accountId = await personWith(password);
    expect(await verifyPassword(under(older), { accountId, password })).toBe(true);
    const first = await stored(accountId);
    expect(first.pepper_id).toMatch(/^[\w-]{8}$/);
    expect(await verifyPassword(under(newer, older), { accountId, password: 'wrong' })).toBe(false);
    expect(await verifyPassword(under(newer, older), { accountId, password })).toBe(true);
    expect((await stored(accountId)).pepper_id).not.toBe(first.pepper_id);
    expect(await verifyPassword(under(newer), { accountId, password })).toBe(true);
  });

  it('that is gone stops the server with its name, and never lets a plain hash pass', async () => {
    const accountId = await anAccount(room.db);
    const pepper = newPepper();
    await setPassword(under(pepper), { accountId, password });
    const id = (await stored(accountId)).pepper_id;
    await expect(verifyPassword(room, { accountId, password })).rejects.toThrow(PepperMissing);
    await expect(verifyPassword(under(newPepper()), { accountId, password })).rejects.toThrow(`"${id}"`);
    await expect(requirePeppers(room)).rejects.toThrow(`"${id}"`);
    await expect(requirePeppers(room)).rejects.toThrow('PASSWORD_PEPPER lacks');
    await expect(verifyPassword(under(newPepper(), pepper), { accountId, password })).resolves.toBe(true);
    await room.db.deleteFrom('passwords').execute();
    await expect(requirePeppers(room)).resolves.toBeUndefined();
  });

  it('still costs one hash for the account that does not exist', async () => {
    const peppered = under(newPepper());
    const before = await room.hashes();
    expect(await verifyPassword(peppered, { accountId: undefined, password })).toBe(false);
    expect(await room.hashes()).toBe(before + 1);
  });
});

it('A checked password is the one that is stored', async () => {
  const checked = checkNewPassword(room, { password: 'cafe\u0301 ole\u0301 99', about: [] });
  if (!checked.ok) throw new Error(checked.reason);
  const accountId = await personWith(checked.normalized);
  expect(await verifyPassword(room, { accountId, password: 'cafe\u0301 ole\u0301 99' })).toBe(true);
});
