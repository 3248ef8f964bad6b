import { checkClientMetadata } from '../../clients/registry/metadata.ts';
import type { Client } from '../../clients/registry/registry.ts';
import { sectorOf } from '../../clients/registry/sector.ts';
import { revokeClientGrants } from '../oidc/grants.ts';
import type { Services } from '../services.ts';

/**
 * An app that came by itself and now says that it is of another sector: the access it has was given to somebody who knew
 * people by other names. Were it kept, an app could collect people first, and then name somebody else's list and be told
 * by what names they know them. Answers whether it is such a change: then what is given until it is made is to be ended after it.
 */
export async function endGrantsOfOtherSector(
  services: Pick<Services, 'live' | 'clock'>,
  { client, metadata }: { client: Client; metadata: object },
): Promise<boolean> {
  const checked = checkClientMetadata(metadata, client.metadata);
  if (!checked.ok || sectorOf({ ...client, metadata: checked.metadata }) === sectorOf(client)) return false;
  await revokeClientGrants(services, { clientId: client.clientId });
  return true;
}
