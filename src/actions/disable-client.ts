import { findClient, enableClient as start, disableClient as stop } from '../../clients/registry/registry.ts';
import { recordEvent } from '../audit/record.ts';
import type { Outcome } from '../kit/outcome.ts';
import { refused } from '../kit/outcome.ts';
import { revokeClientGrants } from '../oidc/grants.ts';
import type { Services } from '../services.ts';
import type { RequestSource } from '../web/request-source.ts';

type Context = Pick<Services, 'db' | 'live' | 'clock' | 'seals' | 'log'>;

/** Stops an app: nobody signs in to it and all its tokens end now. Nothing is forgotten; `enableClient` undoes it. */
export async function disableClient(
  services: Context,
  { clientId, reason }: { clientId: string; reason: string },
  from?: RequestSource,
): Promise<Outcome<{ grants: number }, 'unknown_client'>> {
  if (!(await findClient(services, clientId))) return refused('unknown_client');
  const before = await revokeClientGrants(services, { clientId });
  const stopped = await stop(services, clientId);
  if (!stopped.ok) return stopped;
  // Again, for the sign-ins that were on their way.
  const after = await revokeClientGrants(services, { clientId });
  await recordEvent(services, { type: 'client.disabled', clientId, detail: { reason } }, from);
  return { ok: true, grants: before + after };
}

export async function enableClient(
  services: Pick<Context, 'db' | 'clock' | 'seals' | 'log'>,
  { clientId }: { clientId: string },
  from?: RequestSource,
): Promise<Outcome<{ changed: boolean }, 'unknown_client'>> {
  const client = await findClient(services, clientId);
  if (!client) return refused('unknown_client');
  if (client.disabledAt === undefined) return { ok: true, changed: false };
  await recordEvent(services, { type: 'client.enabled', clientId }, from);
  return start(services, clientId);
}
