import { checkSector } from '../../clients/registry/fetch-sector.ts';
import type { ClientMetadata } from '../../clients/registry/metadata.ts';
import type { NotAccepted } from '../../clients/registry/new-client.ts';
import type { Services } from '../services.ts';

/**
 * Looks at an app's list of redirect URIs where it names one and something about it is new, other than in all that was
 * `looked` at before. Undefined when all is well.
 */
export async function refuseForeignSector(
  services: Pick<Services, 'settings'>,
  metadata: ClientMetadata,
  looked: readonly ClientMetadata[] = [],
): Promise<NotAccepted | undefined> {
  const about = ({ sector_identifier_uri, redirect_uris, jwks_uri }: ClientMetadata) =>
    JSON.stringify([sector_identifier_uri, redirect_uris, jwks_uri]);
  if (looked.some((before) => about(before) === about(metadata))) return undefined;
  const problems = await checkSector(services, metadata);
  return problems.length > 0 ? { ok: false, reason: 'not_accepted', problems } : undefined;
}
