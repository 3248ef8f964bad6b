import type { Logo } from '../../clients/registry/logo.ts';
import { checkClient, type NewClient } from '../../clients/registry/new-client.ts';
import { addClient } from '../../clients/registry/registry.ts';
import { recordEvent } from '../audit/record.ts';
import { random } from '../kit/random.ts';
import type { Services } from '../services.ts';
import type { RequestSource } from '../web/request-source.ts';
import { refuseForeignSector } from './check-sector.ts';
import { keepClientLogo, logoWish } from './keep-client-logo.ts';

/** Libraries of the Login-with-Amazon kind, and people who copy ids from one form to another, know them by their look. */
function ownFormOfId(
  { settings }: Pick<Services, 'settings'>,
  { metadata }: Pick<NewClient, 'metadata'>,
): string | undefined {
  const { login_with_amazon: compatible } = (metadata ?? {}) as { login_with_amazon?: unknown };
  if (compatible !== true) return undefined;
  return `${settings.COMPAT_ID_PREFIX}application-oa2-client.${random(16).toString('hex')}`;
}

/**
 * Registers an app. Its secret is in the answer and nowhere else afterwards. Metadata may be anything: what is wrong
 * with it is answered as problems of its members. `logo` is a picture beside the metadata.
 */
export async function registerClient(
  services: Pick<Services, 'db' | 'clock' | 'seals' | 'log' | 'settings'>,
  { logo, ...given }: NewClient & { logo?: Logo | undefined },
  from?: RequestSource,
): ReturnType<typeof addClient> {
  const checked = checkClient(given);
  const foreign = checked.ok && (await refuseForeignSector(services, checked.metadata));
  if (foreign) return foreign;
  const added = await addClient(services, {
    ...given,
    clientId: given.clientId ?? ownFormOfId(services, given),
  });
  if (!added.ok) return added;
  const { clientId, metadata } = added.client;
  await recordEvent(
    services,
    {
      type: 'client.created',
      clientId,
      ...(given.origin ? { actor: 'client' } : {}),
      detail: { name: metadata.client_name, by: added.client.origin },
    },
    from,
  );
  const { logo_uri: logoUri } = given.metadata as Record<string, unknown>;
  const kept = await keepClientLogo(services, clientId, logoWish({ logo, logoUri, whole: false }));
  return { ...added, notes: [...added.notes, ...kept.notes] };
}
