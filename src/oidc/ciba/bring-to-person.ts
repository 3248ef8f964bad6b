import type { KoaContextWithOIDC } from 'oidc-provider';
import { recordEvent } from '../../audit/record.ts';
import { takeFromLimits } from '../../limits/limits.ts';
import type { Services } from '../../services.ts';
import { describeError } from '../../web/log.ts';
import { sourceOf } from '../../web/request-state.ts';
import { listAsked } from '../cross-device/asked.ts';
import { askedGrantId, layout } from '../live-layout.ts';
import type { EngineViews } from '../views.ts';

/** How many may wait for an answer: of one app, and of all. */
const mostOfOneApp = 3;
const mostWaiting = 10;

/**
 * Puts a CIBA request where the person finds it, and tells them, once and not at every request. Whoever knows a name could ask
 * until the person says yes out of weariness. So few wait at once, a "no" said often enough keeps the app away for an
 * hour, and what is too much is neither shown nor told to the app: for it the person just does not answer.
 */
export async function bringToPerson(
  services: Services & { views: EngineViews },
  ctx: KoaContextWithOIDC,
  { request, accountId, clientId }: { request: object; accountId: string; clientId: string },
): Promise<void> {
  const { live, clock, log, views } = services;
  const { jti, expiration } = request as { jti: string; expiration: number };
  const id = askedGrantId(jti) as string;
  try {
    const listed = {
      key: layout.accountAsked(accountId),
      member: id,
      expiresAt: clock.now() + expiration * 1000,
    };
    // Listed first and counted then, so that of many at once no more come through than may.
    await live.commit([{ do: 'enlist', ...listed }]);
    if (await isTooMuch(services, { id, accountId, clientId }))
      return void (await live.commit([{ do: 'strike', key: listed.key, member: id }]));
    const scopes = String(ctx.oidc.params?.['scope'] ?? '').split(' ');
    await recordEvent(
      services,
      { type: 'ciba.asked', accountId, clientId, detail: { scopes } },
      sourceOf(ctx),
    );
    const told = await takeFromLimits(services, [{ limit: 'ciba_messages_by_account', key: accountId }]);
    const clientName = ctx.oidc.client?.clientName ?? clientId;
    if (told.ok) await views.tellOfRequest({ accountId, clientName });
  } catch (error) {
    log.warn({ clientId, error: describeError(error) }, 'a request could not be brought to the person');
  }
}

async function isTooMuch(
  services: Services,
  { id, accountId, clientId }: { id: string; accountId: string; clientId: string },
): Promise<boolean> {
  // The conformance suite asks one person some hundred times, and answers few of them.
  if (services.settings.conformance) return false;
  const take = { limit: 'ciba_refusals_by_app_and_account', key: accountId, app: clientId } as const;
  const refusals = await takeFromLimits(services, [take], 0);
  const waiting = (await listAsked(services, accountId)).filter((asked) => asked.id !== id);
  const ofThisApp = waiting.filter((asked) => asked.clientId === clientId);
  return !refusals.ok || waiting.length >= mostWaiting || ofThisApp.length >= mostOfOneApp;
}
