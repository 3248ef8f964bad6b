import { findClient, removeClient as forget } from '../../clients/registry/registry.ts';
import type { Actor } from '../audit/catalogue.ts';
import { recordEvent } from '../audit/record.ts';
import type { Outcome } from '../kit/outcome.ts';
import { refused } from '../kit/outcome.ts';
import { revokeClientGrants } from '../oidc/grants.ts';
import type { Services } from '../services.ts';
import type { RequestSource } from '../web/request-source.ts';

/**
 * Removes an app for good, with its secrets and what people allowed it. Its tokens end first: a token whose app is gone
 * makes the engine's introspection fail (engine facts 7). Ended again after, for the sign-ins that were on their way.
 */
export async function removeClient(
  services: Pick<Services, 'db' | 'live' | 'clock' | 'seals' | 'log'>,
  { clientId, actor }: { clientId: string; actor?: Actor },
  from?: RequestSource,
): Promise<Outcome<{ grants: number }, 'unknown_client'>> {
  if (!(await findClient(services, clientId))) return refused('unknown_client');
  const before = await revokeClientGrants(services, { clientId });
  if (!(await forget(services, clientId))) return refused('unknown_client');
  const after = await revokeClientGrants(services, { clientId });
  const grants = before + after;
  await recordEvent(
    services,
    { type: 'client.deleted', clientId, ...(actor ? { actor } : {}), detail: { grants_revoked: grants } },
    from,
  );
  return { ok: true, grants };
}
