import type { AdapterPayload } from 'oidc-provider';
import { withoutEffect } from '../../clients/registry/metadata.ts';
import type { Client } from '../../clients/registry/registry.ts';
import { findClient } from '../../clients/registry/registry.ts';
import { liveSecrets } from '../../clients/registry/secrets.ts';
import { digest, sameSecret } from '../kit/secrets.ts';
import { accountClientId } from './account-client.ts';
import type { AdapterContext } from './adapter-context.ts';

/**
 * The engine's view of an app. It reads apps on every request, so a change acts at once on every process. A disabled
 * app is no app. What stands in `client_secret` is the list of digests: the engine's own comparison is replaced by
 * `compareSecret`, which also refuses a secret with NULs appended (engine facts 12).
 */
export async function findClientMetadata(
  { db, clock }: Pick<AdapterContext, 'db' | 'clock'>,
  clientId: string,
): Promise<AdapterPayload | undefined> {
  if (clientId === accountClientId || !isClientId(clientId)) return undefined;
  const client = await findClient({ db }, clientId);
  if (!client || client.disabledAt !== undefined) return undefined;
  return toEngine(client, clock.now()) as AdapterPayload;
}

/** Our own switches that the engine is to carry along (`extraClientMetadata`). */
export const ownSwitches = ['login_with_amazon', 'first_party', 'resource_server'] as const;

function toEngine({ clientId, metadata, secrets }: Client, now: number): object {
  const digests = liveSecrets(secrets, now).map((secret) => secret.digest);
  // The engine refuses an app with a member of a feature that is off; the registry keeps it for when it is on.
  const known = Object.entries(metadata).filter(([name]) => !withoutEffect.some((one) => one === name));
  return {
    ...Object.fromEntries(known),
    client_id: clientId,
    ...(metadata.token_endpoint_auth_method.startsWith('client_secret_')
      ? { client_secret: digests.join(' ') || noSecret }
      : {}),
  };
}

// An app whose every secret has expired: the engine wants a text, and no digest is equal to this one.
const noSecret = 'none';

/** Takes the place of the engine's `compareClientSecret`, which answers for a stored secret and not for digests. */
export async function compareSecret(this: { clientSecret?: string }, given: string): Promise<boolean> {
  const hashed = digest(given);
  const known = (this.clientSecret ?? noSecret).split(' ');
  return known.map((one) => sameSecret(one, hashed)).some(Boolean);
}

/** RFC 6749 appendix A.1 allows visible ASCII; a longer or stranger text is not looked up at all. */
function isClientId(text: string): boolean {
  return /^[\x20-\x7e]{1,256}$/.test(text);
}
