import { findClient } from '../../clients/registry/registry.ts';
import type { Actor } from '../audit/catalogue.ts';
import { recordEvent } from '../audit/record.ts';
import { removeConsent } from '../consents/consent.ts';
import { type Outcome, refused } from '../kit/outcome.ts';
import { revokeGrants } from '../oidc/grants.ts';
import type { Services } from '../services.ts';
import type { RequestSource } from '../web/request-source.ts';
import type { Locale } from '../web/words.ts';
import { notifyAccount } from './notify-account.ts';

/**
 * An app loses its access to an account: every code and token of it, on every process, at once. Ending takes effect
 * first and is recorded after, so that a crash between the two leaves an app without access, never one with it; all of
 * it can be repeated. `unknown_app` when there was nothing to withdraw.
 */
export async function withdrawConsent(
  ctx: Pick<Services, 'db' | 'clock' | 'live' | 'seals' | 'log' | 'metrics' | 'settings'>,
  {
    accountId,
    clientId,
    actor = 'person',
    locale,
  }: { accountId: string; clientId: string; actor?: Actor; locale?: Locale },
  from?: RequestSource,
): Promise<Outcome<{ grants: number }, 'unknown_app'>> {
  const before = await revokeGrants(ctx, { accountId, clientId });
  const decided = await removeConsent(ctx, { accountId, clientId });
  // A grant minted from the consent between the two lines above would outlive it; now nothing mints one any more.
  const grants = before + (await revokeGrants(ctx, { accountId, clientId }));
  if (!decided && grants === 0) return refused('unknown_app');

  await recordEvent(
    ctx,
    { type: 'consent.withdrawn', actor, accountId, clientId, detail: { grants_revoked: grants } },
    from,
  );
  const client = await findClient(ctx, clientId);
  const values = { app: client?.metadata.client_name ?? clientId };
  await notifyAccount(ctx, { accountId, pageLocale: locale, template: 'app_removed', values });
  return { ok: true, grants };
}
