import { recordEvent } from '../audit/record.ts';
import {
  removeTrustedDevice as drop,
  renameTrustedDevice as rename,
} from '../credentials/trusted-devices.ts';
import { type Outcome, refused } from '../kit/outcome.ts';
import type { Services } from '../services.ts';
import type { RequestSource } from '../web/request-source.ts';
import type { Locale } from '../web/words.ts';
import { dropTrustedDevices } from './drop-trusted-devices.ts';
import { notifyAccount } from './notify-account.ts';

/**
 * What the person does with their trusted devices. All of it makes the account safer, so none of it asks for a fresh proof:
 * whoever finds a browser in the list that is not theirs must be quick.
 */
type Context = Pick<Services, 'db' | 'clock' | 'live' | 'seals' | 'log' | 'metrics' | 'settings'>;
type Device = { accountId: string; sessionUid: string; id: string };

/** An empty name brings back the browser's own. */
export async function renameTrustedDevice(
  ctx: Context,
  { accountId, sessionUid, id, name }: Device & { name: string },
  from: RequestSource,
): Promise<Outcome<object, 'unknown'>> {
  if (!(await rename(ctx, { accountId, id, name }))) return refused('unknown');
  const detail = { device: id };
  await recordEvent(ctx, { type: 'trusted_device.renamed', accountId, sessionUid, detail }, from);
  return { ok: true };
}

/** Its next sign-in is asked for the second step, on whatever process. `unknown` also for one of somebody else. */
export async function removeTrustedDevice(
  ctx: Context,
  { accountId, sessionUid, id, locale }: Device & { locale: Locale },
  from: RequestSource,
): Promise<Outcome<object, 'unknown'>> {
  if (!(await drop(ctx, { accountId, id }))) return refused('unknown');
  const detail = { device: id };
  await recordEvent(ctx, { type: 'trusted_device.removed', accountId, sessionUid, detail }, from);
  await notifyAccount(ctx, { accountId, pageLocale: locale, template: 'trusted_device_removed' });
  return { ok: true };
}

export async function removeTrustedDevices(
  ctx: Context,
  { accountId, locale }: { accountId: string; locale: Locale },
  from: RequestSource,
): Promise<void> {
  const { dropped } = await dropTrustedDevices(ctx, { accountId, reason: 'person' }, from);
  if (dropped > 0)
    await notifyAccount(ctx, { accountId, pageLocale: locale, template: 'trusted_device_removed' });
}
