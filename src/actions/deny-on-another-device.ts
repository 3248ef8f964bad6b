import { recordEvent } from '../audit/record.ts';
import type { Outcome } from '../kit/outcome.ts';
import { takeFromLimits } from '../limits/limits.ts';
import { notePing } from '../oidc/ciba/pings.ts';
import { denyAsked, leaveAsked, takeAsked } from '../oidc/cross-device/answer-asked.ts';
import type { Asked } from '../oidc/cross-device/asked.ts';
import type { App } from '../services.ts';
import type { RequestSource } from '../web/request-source.ts';

/** A person does not let an app in that asked on another device: it is told `access_denied` when it asks next. */
export async function denyOnAnotherDevice(
  app: App,
  { asked, accountId }: { asked: Asked; accountId: string },
  from: RequestSource,
): Promise<Outcome<object, 'answered' | 'expired' | 'gone'>> {
  const taken = await takeAsked(app, asked);
  if (!taken.ok) return taken;
  const denied = await denyAsked(app, taken).catch(async (error) => {
    await leaveAsked(app, taken);
    throw error;
  });
  if (!denied.ok) return denied;
  await notePing(app, asked);
  const { clientId, scopes, device } = asked;
  if (asked.kind !== 'DeviceCode')
    await takeFromLimits(app, [{ limit: 'ciba_refusals_by_app_and_account', key: accountId, app: clientId }]);
  const type = asked.kind === 'DeviceCode' ? 'device.denied' : 'ciba.denied';
  const event = { type, accountId, clientId, detail: { scopes, address: device.ip } } as const;
  await recordEvent(app, event, from);
  return denied;
}
