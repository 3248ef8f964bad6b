import { recordEvent } from '../audit/record.ts';
import { findBackupCodes, removeBackupCodes, useBackupCode } from '../credentials/backup-codes.ts';
import { notifyAccount } from './notify-account.ts';
import type { SecondStepKind } from './second-step-kinds.ts';

/** Backup codes, all of an account as one method. Its owner is told of each that is used, and how many are left. */
export const backupCodeKind: SecondStepKind = {
  kind: 'backup_code',
  turnsOn: false,
  standsAlone: false,
  async list(ctx, accountId) {
    const codes = await findBackupCodes(ctx, accountId);
    if (!codes || codes.left === 0) return [];
    const { madeAt, lastUsedAt, left } = codes;
    return [{ id: 'codes', name: '', addedAt: madeAt, lastUsedAt, left }];
  },
  async check(ctx, { accountId, answer, occasion }) {
    const used = await useBackupCode(ctx, { accountId, code: answer['code'] ?? '' });
    if (!used.ok) return used;
    const { left } = used;
    await recordEvent(ctx, { type: 'backup_code.used', accountId, detail: { left } }, occasion.from);
    const told = { template: 'backup_code_used', values: { left: String(left) } } as const;
    await notifyAccount(ctx, { accountId, pageLocale: occasion.locale, ...told });
    return { ok: true, amr: ['otp'] };
  },
  async remove(tx, { accountId }) {
    await removeBackupCodes(tx, accountId);
    return true;
  },
  removeAll: (tx, accountId) => removeBackupCodes(tx, accountId),
};
