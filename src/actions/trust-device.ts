import { recordEvent } from '../audit/record.ts';
import { addTrustedDevice, removeTrustedDevice } from '../credentials/trusted-devices.ts';
import type { Services } from '../services.ts';
import { browserWords } from '../web/browser-family.ts';
import type { RequestSource } from '../web/request-source.ts';
import { notifyAccount } from './notify-account.ts';
import type { Entry } from './sign-in.ts';

/**
 * The person ticked the box and proved everything: this browser may skip the second step of this account from now on.
 * Recorded before the browser gets its cookie; every proved address is told.
 */
export async function trustDevice(
  ctx: Pick<Services, 'db' | 'clock' | 'live' | 'seals' | 'log' | 'metrics' | 'settings'>,
  {
    accountId,
    provedAt,
    entry: { from, locale },
  }: { accountId: string; provedAt: number; entry: Pick<Entry, 'from' | 'locale'> },
): Promise<{ id: string; token: string; expiresAt: number }> {
  const device = await addTrustedDevice(ctx, { accountId, provedAt, from });
  const detail = { device: device.id };
  await recordEvent(ctx, { type: 'trusted_device.added', accountId, detail }, from);
  const values = { browser: browserWords(from.userAgent) };
  await notifyAccount(ctx, { accountId, pageLocale: locale, template: 'trusted_device_added', values });
  return device;
}

/** The sign-in went elsewhere after all (another tab was first): the cookie was never given, and nothing is trusted. */
export async function withdrawTrust(
  ctx: Pick<Services, 'db' | 'clock' | 'seals' | 'log'>,
  { accountId, id }: { accountId: string; id: string },
  from: RequestSource,
): Promise<void> {
  if (!(await removeTrustedDevice(ctx, { accountId, id }))) return;
  const detail = { device: id };
  await recordEvent(ctx, { type: 'trusted_device.removed', accountId, actor: 'system', detail }, from);
}
