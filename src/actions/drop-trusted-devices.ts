import { recordEvent } from '../audit/record.ts';
import { removeTrustedDevices } from '../credentials/trusted-devices.ts';
import type { Services } from '../services.ts';
import type { RequestSource } from '../web/request-source.ts';

/** Why an account's devices lost their trust; every change to how somebody proves who they are is one. */
export type DropReason =
  | 'password_changed'
  | 'password_reset'
  | 'method_removed'
  | 'access_ended'
  | 'alarm'
  | 'high_risk'
  | 'person';

/** No browser skips the second step of the account any more, nor does one that a sign-in under way would add. Safe to repeat. */
export async function dropTrustedDevices(
  ctx: Pick<Services, 'db' | 'clock' | 'seals' | 'log'>,
  { accountId, reason }: { accountId: string; reason: DropReason },
  from?: RequestSource,
): Promise<{ dropped: number }> {
  const dropped = await removeTrustedDevices(ctx, accountId);
  const detail = { count: dropped, reason };
  const actor = reason === 'person' ? ('person' as const) : ('system' as const);
  if (dropped > 0)
    await recordEvent(ctx, { type: 'trusted_devices.dropped', accountId, actor, detail }, from);
  return { dropped };
}
