import { findClient } from '../../clients/registry/registry.ts';
import { enableClient as start, disableClient as stop } from '../../clients/registry/stopped.ts';
import { recordEvent } from '../audit/record.ts';
import type { Outcome } from '../kit/outcome.ts';
import { refused } from '../kit/outcome.ts';
import { revokeClientGrants } from '../oidc/grants.ts';
import type { Services } from '../services.ts';
import type { RequestSource } from '../web/request-source.ts';

type Context = Pick<Services, 'db' | 'live' | 'clock' | 'seals' | 'log'>;

/**
 * Stops an app: nobody signs in to it and all its tokens end now. Nothing is forgotten; `enableClient` undoes it. Stopped
 * first: that is one small write, felt everywhere at once, and its grants may be a million, in a store that may fail on the
 * way. Whatever is made meanwhile began before the stop and is found after it, or is made for nobody (src/oidc/endings.ts).
 */
export async function disableClient(
  services: Context,
  { clientId, reason }: { clientId: string; reason: string },
  from?: RequestSource,
): Promise<Outcome<{ grants: number }, 'unknown_client'>> {
  const stopped = await stop(services, clientId);
  if (!stopped.ok) return stopped;
  const grants = await revokeClientGrants(services, { clientId });
  await recordEvent(services, { type: 'client.disabled', clientId, detail: { reason } }, from);
  return { ok: true, grants };
}

/** Lets it work again, with nothing of what it had before. */
export async function enableClient(
  services: Context,
  { clientId }: { clientId: string },
  from?: RequestSource,
): Promise<Outcome<{ changed: boolean }, 'unknown_client'>> {
  const client = await findClient(services, clientId);
  if (!client) return refused('unknown_client');
  if (client.disabledAt === undefined) return { ok: true, changed: false };
  // What a stop left that was cut short would live again.
  await revokeClientGrants(services, { clientId });
  await recordEvent(services, { type: 'client.enabled', clientId }, from);
  return start(services, clientId);
}
