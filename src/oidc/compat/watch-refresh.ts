import type { KoaContextWithOIDC } from 'oidc-provider';
import { recordEvent } from '../../audit/record.ts';
import { days } from '../../kit/durations.ts';
import { networkBucket } from '../../limits/address-bucket.ts';
import { type LimitContext, takeFromLimits } from '../../limits/limits.ts';
import { describeError } from '../../web/log.ts';
import { sourceOf } from '../../web/request-state.ts';
import { layout, shortDigest } from '../live-layout.ts';
import type { EngineViews } from '../views.ts';

/**
 * A refresh token that never changes shows a thief by nothing but its use: from many networks, or more often than one app
 * that keeps its access tokens for their hour can have any use for. Neither is refused, since a company's servers may be
 * anywhere; it is recorded, once a day for each access, for the operator to look at, and the person is told. After the answer
 * has left.
 */
type Context = { services: LimitContext; views: Pick<EngineViews, 'tellOfOddUse'> };

export function watchRefresh({ services, views }: Context, engine: KoaContextWithOIDC): void {
  watched(services, views, engine).catch((error: unknown) =>
    services.log.warn({ error: describeError(error) }, 'the use of a refresh token could not be watched'),
  );
}

async function watched(
  services: LimitContext,
  views: Context['views'],
  engine: KoaContextWithOIDC,
): Promise<void> {
  const { RefreshToken: token, Client: client, Account: account } = engine.oidc.entities;
  const grantId = token?.grantId;
  if (!grantId || !client || !account) return;
  const source = sourceOf(engine);
  const reasons = [
    (await isNewNetwork(services, grantId, source.ip)) &&
    !(await fits(services, 'refresh_networks_by_grant', grantId))
      ? 'networks'
      : undefined,
    (await fits(services, 'refresh_by_grant', grantId)) ? undefined : 'rate',
  ];
  const reason = reasons.find((one) => one !== undefined);
  if (!reason) return;
  const first = { do: 'add', key: layout.watchTold(grantId), value: '', ttlMs: 1 * days } as const;
  if (!(await services.live.commit([first])).ok) return;
  const whose = { accountId: account.accountId, clientId: client.clientId };
  await recordEvent(
    services,
    { type: 'refresh_token.odd_use', ...whose, detail: { reason, grant: grantId } },
    source,
  );
  await views.tellOfOddUse({
    accountId: account.accountId,
    clientName: client.clientName ?? client.clientId,
  });
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
