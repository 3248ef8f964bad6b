import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { addAlarm, findAlarm, frozenUntil, raiseAlarm } from '../../src/credentials/alarms.ts';
import {
  findBackupCodes,
  newBackupCodes,
  removeBackupCodes,
  replaceBackupCodes,
  useBackupCode,
} from '../../src/credentials/backup-codes.ts';
import { requirePeppers } from '../../src/credentials/peppers.ts';
import {
  addTrustedDevice,
  findTrustedDevice,
  listTrustedDevices,
  mostTrustedDevices,
  removeTrustedDevices,
} from '../../src/credentials/trusted-devices.ts';
import { changeTwoStep, findTwoStep, turnOn } from '../../src/credentials/two-step.ts';
import { days, hours } from '../../src/kit/durations.ts';
import { anAccount, type CredentialRoom, newPepper, openCredentialRoom } from '../support/credentials.ts';
import { databaseKinds } from '../support/stores.ts';

/** What the second step keeps is exact under races, on every home of the records. */
const from = {
  ip: '192.0.2.7',
  userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0',
  requestId: 'r',
};

describe.each(databaseKinds)('On %s', (kind) => {
  let room: CredentialRoom;
  beforeAll(async () => {
    room = await openCredentialRoom({}, kind);
  });
  afterAll(() => room.close());

  async function codesOf(accountId: string): Promise<string[]> {
    const { codes, rows } = await newBackupCodes(room, { accountId });
    await changeTwoStep(room, accountId, (tx) => replaceBackupCodes(tx, { accountId, rows }));
    return codes;
  }

  it('ten uses of one backup code at once are one (MF-11)', async () => {
    const accountId = await anAccount(room.db);
    const [code = ''] = await codesOf(accountId);
    const used = await Promise.all(
      Array.from({ length: 10 }, () => useBackupCode(room, { accountId, code })),
    );
    expect(used.filter(({ ok }) => ok)).toHaveLength(1);
    expect(used.filter((one) => !one.ok && one.reason === 'code_already_used')).toHaveLength(9);
    expect((await findBackupCodes(room, accountId))?.left).toBe(9);
  });

  it('a backup code costs one run of argon2, is nobody else’s, and is read as people type it', async () => {
    const [accountId, other] = [await anAccount(room.db), await anAccount(room.db)];
    const [code = ''] = await codesOf(accountId);
    await codesOf(other);
    const before = await room.hashes();
    expect(await useBackupCode(room, { accountId: other, code })).toMatchObject({ reason: 'wrong_code' });
    expect((await room.hashes()) - before).toBe(1);
    for (const nonsense of ['', 'short', 'x'.repeat(70), '-----', 'ééééé-ééééé'])
      expect(await useBackupCode(room, { accountId, code: nonsense })).toMatchObject({ ok: false });
    expect((await room.hashes()) - before).toBe(1);
    const asTyped = ` ${code.toUpperCase().replaceAll('0', 'O').replaceAll('1', 'l').replace('-', ' – ')} `;
    expect(await useBackupCode(room, { accountId, code: asTyped })).toMatchObject({ ok: true, left: 9 });
    await removeBackupCodes(room.db, accountId);
    expect(await useBackupCode(room, { accountId, code })).toMatchObject({ reason: 'not_enrolled' });
  });

  it('backup codes keep the pepper they were made with, and the server does not start without it', async () => {
    const pepper = newPepper();
    const peppered = await openCredentialRoom({ PASSWORD_PEPPER: `${newPepper()},${pepper}` }, kind);
    const older = { ...peppered, settings: { ...peppered.settings, PASSWORD_PEPPER: [pepper] } };
    const accountId = await anAccount(peppered.db);
    const { codes, rows } = await newBackupCodes(older, { accountId });
    await replaceBackupCodes(peppered.db, { accountId, rows });
    expect(await useBackupCode(peppered, { accountId, code: codes[0] ?? '' })).toMatchObject({ ok: true });
    const without = { ...peppered, settings: { ...peppered.settings, PASSWORD_PEPPER: undefined } };
    await expect(requirePeppers(without)).rejects.toThrow('PASSWORD_PEPPER lacks');
    await peppered.close();
  });

  it('changes of one account wait for each other', async () => {
    const accountId = await anAccount(room.db);
    let inside = 0;
    let most = 0;
    await Promise.all(
      Array.from({ length: 8 }, () =>
        changeTwoStep(room, accountId, async (tx) => {
          inside += 1;
          most = Math.max(most, inside);
          await turnOn(tx, accountId, room.clock.now());
          inside -= 1;
        }),
      ),
    );
    expect(most).toBe(1);
    expect((await findTwoStep(room, accountId)).turnedOnAt).toBe(room.clock.now());
  });

  it('a trusted device that was made while all were dropped is void', async () => {
    const accountId = await anAccount(room.db);
    const provedAt = room.clock.now();
    room.clock.advance(1000);
    await removeTrustedDevices(room, accountId);
    const made = await addTrustedDevice(room, { accountId, provedAt, from });
    const shown = { accountId, tokens: [made.token], userAgent: from.userAgent };
    expect(await findTrustedDevice(room, shown)).toMatchObject({ ok: false, reason: 'void' });
    expect(await listTrustedDevices(room, accountId)).toEqual([]);
    const later = await addTrustedDevice(room, { accountId, provedAt: room.clock.now(), from });
    expect(await findTrustedDevice(room, { ...shown, tokens: [later.token] })).toMatchObject({ ok: true });
  });

  it('twenty trusted devices are the most; the oldest goes, and what is over is swept away', async () => {
    const accountId = await anAccount(room.db);
    const made: { id: string }[] = [];
    for (let one = 0; one <= mostTrustedDevices; one += 1) {
      room.clock.advance(1000);
      made.push(await addTrustedDevice(room, { accountId, provedAt: room.clock.now(), from }));
    }
    const listed = await listTrustedDevices(room, accountId);
    expect(listed).toHaveLength(mostTrustedDevices);
    expect(listed.some(({ id }) => id === made[0]?.id)).toBe(false);
    room.clock.advance(31 * days);
    await addTrustedDevice(room, { accountId, provedAt: room.clock.now(), from });
    const rows = await room.db
      .selectFrom('trusted_devices')
      .select('id')
      .where('account_id', '=', accountId)
      .execute();
    expect(rows).toHaveLength(1);
  });

  it('dropping the devices of an account that is gone is nothing', async () => {
    expect(await removeTrustedDevices(room, 'nobody')).toBe(0);
  });

  it('an alarm is raised by one of many, and freezes for a day', async () => {
    const accountId = await anAccount(room.db);
    const secret = await addAlarm(room, { accountId, about: 'password_changed' });
    expect(await findAlarm(room, secret)).toMatchObject({ ok: true, alarm: { about: 'password_changed' } });
    expect(await frozenUntil(room, accountId)).toBeUndefined();
    const raised = await Promise.all(Array.from({ length: 8 }, () => raiseAlarm(room, secret)));
    expect(raised.filter(Boolean)).toHaveLength(1);
    expect(await frozenUntil(room, accountId)).toBe(room.clock.now() + 24 * hours);
    room.clock.advance(24 * hours);
    expect(await frozenUntil(room, accountId)).toBeUndefined();
  });
});
