import { setImmediate as nextTurn } from 'node:timers/promises';
import { removeClient as forget } from '../../clients/registry/registry.ts';
import { beginRemoval } from '../../clients/registry/stopped.ts';
import type { Actor } from '../audit/catalogue.ts';
import { recordEvent } from '../audit/record.ts';
import { removeSomeConsents } from '../consents/consent.ts';
import type { Outcome } from '../kit/outcome.ts';
import { refused } from '../kit/outcome.ts';
import { revokeClientGrants } from '../oidc/grants.ts';
import type { Services } from '../services.ts';
import type { RequestSource } from '../web/request-source.ts';

/**
 * Removes an app for good, with its secrets and what people allowed it. Stopped first, as when it is disabled; then its
 * tokens end, for one whose app is gone makes the engine's introspection fail (engine facts 7); then what people allowed it
 * goes, in portions, and the app last. Cut short it stays stopped, and a repeat finishes.
 */
export async function removeClient(
  services: Pick<Services, 'db' | 'live' | 'clock' | 'seals' | 'log'>,
  { clientId, actor }: { clientId: string; actor?: Actor },
  from?: RequestSource,
): Promise<Outcome<{ grants: number }, 'unknown_client'>> {
  const stopped = await beginRemoval(services, clientId);
  if (!stopped.ok) return stopped;
  const grants = await revokeClientGrants(services, { clientId });
  while (await removeSomeConsents(services, clientId)) await nextTurn();
  if (!(await forget(services, clientId))) return refused('unknown_client');
  await recordEvent(
    services,
    { type: 'client.deleted', clientId, ...(actor ? { actor } : {}), detail: { grants_revoked: grants } },
    from,
  );
  return { ok: true, grants };
}
