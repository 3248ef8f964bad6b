import { recordEvent } from '../audit/record.ts';
import { findTrustedDevice, noteDeviceUsed, removeTrustedDevice } from '../credentials/trusted-devices.ts';
import type { Services } from '../services.ts';
import type { RequestSource } from '../web/request-source.ts';
import type { Locale } from '../web/words.ts';
import { notifyAccount } from './notify-account.ts';

type Visit = { deviceTokens: readonly string[]; locale: Locale; from: RequestSource };

/**
 * Whether this browser may skip the second step of the account. What is shown by another kind of browser than it was given
 * to, or with a secret that is not its own, was copied or made up: that device is trusted no more.
 */
export async function passAsTrustedDevice(
  ctx: Pick<Services, 'db' | 'clock' | 'live' | 'seals' | 'log' | 'metrics' | 'settings'>,
  { accountId, entry: { deviceTokens, locale, from } }: { accountId: string; entry: Visit },
): Promise<boolean> {
  if (deviceTokens.length === 0) return false;
  const { userAgent } = from;
  const found = await findTrustedDevice(ctx, { accountId, tokens: deviceTokens, userAgent });
  if (found.ok) {
    await noteDeviceUsed(ctx, { id: found.id, from });
    return true;
  }
  const { id, reason } = found;
  if (id === undefined) return false;
  await removeTrustedDevice(ctx, { accountId, id });
  const detail = { device: id, reason };
  await recordEvent(ctx, { type: 'trusted_device.refused', accountId, detail }, from);
  await notifyAccount(ctx, { accountId, pageLocale: locale, template: 'trusted_device_removed' });
  return false;
}
