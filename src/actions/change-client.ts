import type { Logo } from '../../clients/registry/logo.ts';
import { checkClientMetadata } from '../../clients/registry/metadata.ts';
import { unverifyClient } from '../../clients/registry/registration.ts';
import { type Client, changeClient as changeMetadata, findClient } from '../../clients/registry/registry.ts';
import { sectorOf } from '../../clients/registry/sector.ts';
import type { Actor } from '../audit/catalogue.ts';
import { recordEvent } from '../audit/record.ts';
import { refused } from '../kit/outcome.ts';
import type { Services } from '../services.ts';
import type { RequestSource } from '../web/request-source.ts';
import { refuseForeignSector } from './check-sector.ts';
import { keepClientLogo, logoWish } from './keep-client-logo.ts';

/**
 * Changes members of an app's metadata: `changes` holds the new values, null takes a member away (RFC 7396). With
 * `whole` it is all the app says of itself, and what it leaves out is gone. `logo` is a picture beside the metadata, null
 * to have none. The names of changed members are recorded. Where the app itself becomes another, an operator's word for it is over.
 */
export async function changeClient(
  services: Pick<Services, 'db' | 'clock' | 'seals' | 'log' | 'settings'>,
  {
    clientId,
    changes,
    whole = false,
    logo,
    actor,
  }: {
    clientId: string;
    changes: Record<string, unknown>;
    whole?: boolean;
    logo?: Logo | null | undefined;
    actor?: Actor;
  },
  from?: RequestSource,
): ReturnType<typeof changeMetadata> {
  const before = await findClient(services, clientId);
  if (!before) return refused('unknown_client');
  // Without a logo there is no address that one would be fetched from.
  const said = logo === null ? { ...changes, logo_uri: null } : changes;
  const merged = Object.entries({ ...(whole ? {} : before.metadata), ...said });
  const metadata = Object.fromEntries(merged.filter(([, value]) => value !== null));
  const checked = checkClientMetadata(metadata, before.metadata);
  const foreign = checked.ok && (await refuseForeignSector(services, checked.metadata, before.metadata));
  if (foreign) return foreign;
  // Before the change, so that nothing is shown as looked at which nobody saw.
  const doubted = actor === 'client' && checked.ok && isAnother(before, checked.metadata);
  if (doubted) await unverifyClient(services, clientId);
  const changed = await changeMetadata(services, { clientId, metadata });
  if (!changed.ok) return changed;
  const wish = logoWish({ logo, logoUri: said['logo_uri'], whole });
  const kept = await keepClientLogo(services, clientId, wish);
  const members = changedMembers(before.metadata, changed.client.metadata);
  if (kept.changed) members.push('logo');
  if (doubted) members.push('verified');
  if (members.length > 0)
    await recordEvent(
      services,
      { type: 'client.updated', clientId, ...(actor ? { actor } : {}), detail: { members } },
      from,
    );
  return {
    ...changed,
    changed: members.length > 0,
    notes: [...changed.notes, ...kept.notes, ...otherNames(before, changed.client)],
  };
}

/** Whether what an operator vouched for is said to be something else: what people know it by, or where it leads them. */
function isAnother({ verifiedAt, metadata }: Client, next: object): boolean {
  const known = /^(client_name|client_uri|logo_uri|redirect_uris|post_logout_redirect_uris|grant_types)(#|$)/;
  return verifiedAt !== undefined && changedMembers(metadata, next).some((member) => known.test(member));
}

/** An app that its people get other names for takes all of them for strangers. */
function otherNames(before: Client, after: Client): string[] {
  const namesOf = (client: Client) => (client.metadata.subject_type === 'pairwise' ? sectorOf(client) : '');
  if (namesOf(before) === namesOf(after)) return [];
  return [
    'From now on the app gets another `sub` for each person: it will know nobody. If that is not meant, change it back.',
  ];
}

function changedMembers(before: object, after: object): string[] {
  const [old, now] = [new Map(Object.entries(before)), new Map(Object.entries(after))];
  const names = new Set([...old.keys(), ...now.keys()]);
  return [...names].filter((name) => JSON.stringify(old.get(name)) !== JSON.stringify(now.get(name)));
}
