import { listTotp, removeAllTotp, removeTotp, verifyTotp } from '../credentials/totp.ts';
import type { SecondStepKind } from './second-step-kinds.ts';

/** Authenticator apps. A code of any of them is good, whichever the page named. */
export const totpKind: SecondStepKind = {
  kind: 'totp',
  turnsOn: true,
  standsAlone: true,
  async list(ctx, accountId) {
    const apps = await listTotp(ctx, accountId);
    return apps.map(({ id, name, createdAt, lastUsedAt }) => ({ id, name, addedAt: createdAt, lastUsedAt }));
  },
  async check(ctx, { accountId, answer }) {
    const verified = await verifyTotp(ctx, { accountId, code: answer['code'] ?? '' });
    return verified.ok ? { ok: true, amr: ['otp'] } : verified;
  },
  remove: (tx, method) => removeTotp({ db: tx }, method),
  removeAll: (tx, accountId) => removeAllTotp(tx, accountId),
};
