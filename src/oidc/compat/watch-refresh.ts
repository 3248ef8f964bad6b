import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import { recordEvent } from '../../audit/record.ts';
import { days } from '../../kit/durations.ts';
import { networkBucket } from '../../limits/address-bucket.ts';
import { type LimitContext, takeFromLimits } from '../../limits/limits.ts';
import type { Services } from '../../services.ts';
import { describeError } from '../../web/log.ts';
import { sourceOf } from '../../web/request-state.ts';
import { layout, shortDigest } from '../live-layout.ts';
import { afterWrites } from '../unit-of-work.ts';
import type { EngineViews } from '../views.ts';
import { isCompatClient } from './token-form.ts';

/**
 * A refresh token that never changes shows a thief by nothing but its use: from many networks, or more often than one app
 * that keeps its access tokens for their hour can have any use for. Neither is refused, since a company's servers may be
 * anywhere; it is recorded, once a day for each access, for the operator to look at, and the person is told. After the answer
 * has left.
 */
type Views = Pick<EngineViews, 'tellOfOddUse'>;

/** At whichever endpoint they are used. */
export function watchRefreshes(services: Services, provider: Provider, views: Views): void {
  provider.on('grant.success', (ctx) => {
    if (ctx.oidc.params?.['grant_type'] !== 'refresh_token' || !isCompatClient(ctx.oidc.client)) return;
    afterWrites(ctx, () => {
      watched(services, views, ctx).catch((error: unknown) =>
        services.log.warn({ error: describeError(error) }, 'the use of a refresh token could not be watched'),
      );
    });
  });
}

async function watched(services: LimitContext, views: Views, ctx: KoaContextWithOIDC): Promise<void> {
  const { RefreshToken: token, Client: client, Account: account } = ctx.oidc.entities;
  const grantId = token?.grantId;
  if (!grantId || !client || !account) return;
  const source = sourceOf(ctx);
  const reason = await oddnessOf(services, grantId, source.ip);
  if (!reason) return;
  const first = { do: 'add', key: layout.watchTold(grantId), value: '', ttlMs: 1 * days } as const;
  if (!(await services.live.commit([first])).ok) return;
  const { accountId } = account;
  const { clientId, clientName = clientId } = client;
  const detail = { reason, grant: grantId };
  await recordEvent(services, { type: 'refresh_token.odd_use', accountId, clientId, detail }, source);
  await views.tellOfOddUse({ accountId, clientName });
}

async function oddnessOf(
  services: LimitContext,
  grantId: string,
  ip: string,
): Promise<'networks' | 'rate' | undefined> {
  const fresh = await isNewNetwork(services, grantId, ip);
  if (fresh && !(await fits(services, 'refresh_networks_by_grant', grantId))) return 'networks';
  return (await fits(services, 'refresh_by_grant', grantId)) ? undefined : 'rate';
}

async function fits(
  services: LimitContext,
  limit: 'refresh_networks_by_grant' | 'refresh_by_grant',
  key: string,
): Promise<boolean> {
  return (await takeFromLimits(services, [{ limit, key }])).ok;
}

async function isNewNetwork(
  { live }: Pick<LimitContext, 'live'>,
  grantId: string,
  ip: string,
): Promise<boolean> {
  const key = layout.seenNetwork(grantId, shortDigest(networkOf(ip)).slice(0, 12));
  return (await live.commit([{ do: 'add', key, value: '', ttlMs: 1 * days }])).ok;
}

/** Coarse on purpose: the addresses of one provider or data centre are one place. */
function networkOf(ip: string): string {
  const v4 = /^(\d+\.\d+)\.\d+\.\d+$/.exec(ip);
  return v4?.[1] ?? networkBucket(ip);
}
