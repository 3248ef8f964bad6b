import type { Logo } from '../../clients/registry/logo.ts';
import { type ClientMetadata, checkClientMetadata } from '../../clients/registry/metadata.ts';
import {
  type Client,
  type ClientChanged,
  changeClient as changeMetadata,
  findClient,
} from '../../clients/registry/registry.ts';
import { sectorOf } from '../../clients/registry/sector.ts';
import { operatorsMembers } from '../../clients/registry/self-told.ts';
import type { Actor } from '../audit/catalogue.ts';
import { recordEvent } from '../audit/record.ts';
import { refused } from '../kit/outcome.ts';
import { revokeClientGrants } from '../oidc/grants.ts';
import type { Services } from '../services.ts';
import { nowOrLater } from '../store/in-doubt.ts';
import { StoreUnavailable } from '../store/live.ts';
import type { RequestSource } from '../web/request-source.ts';
import { refuseForeignSector } from './check-sector.ts';
import { endGrantsOfOtherSector } from './end-grants-of-other-sector.ts';
import { keepClientLogo, type LogoWish, logoWish } from './keep-client-logo.ts';

/**
 * Changes members of an app's metadata: `changes` holds the new values, null takes a member away (RFC 7396). With
 * `whole` it is all the app says of itself, and what it leaves out is gone. `logo` is a picture beside the metadata, null
 * to have none. The names of changed members are recorded. Where it is the app that says so, what operators said of it
 * stays, and where it becomes another, an operator's word for it is over.
 */
export async function changeClient(
  services: Context,
  { logo, ...asked }: Asked & { logo?: Logo | null | undefined },
  from?: RequestSource,
): Promise<ClientChanged | { ok: false; reason: 'disabled' }> {
  const { clientId, whole, actor } = asked;
  // Without a logo there is no address that one would be fetched from.
  const changes = logo === null ? { ...asked.changes, logo_uri: null } : asked.changes;
  const written = await write(services, { ...asked, changes });
  if (!written.ok) return written;
  try {
    const wish = logoWish({ logo, logoUri: changes['logo_uri'], whole: whole === true });
    return await settle(services, { clientId, actor, written, wish }, from);
  } finally {
    // What was given while it was written. A repetition finds nothing changed any more.
    if (written.renamed) await nowOrLater(services, () => revokeClientGrants(services, { clientId }));
  }
}

type Settling = {
  clientId: string;
  actor: Actor | undefined;
  written: Written;
  wish: LogoWish | undefined;
};

/** Keeps the logo, and tells what is new about the app. */
async function settle(
  services: Context,
  { clientId, actor, written, wish }: Settling,
  from: RequestSource | undefined,
) {
  const { before, changed, doubted } = written;
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

type Context = Pick<Services, 'db' | 'live' | 'clock' | 'seals' | 'log' | 'settings'>;
type Asked = { clientId: string; changes: Record<string, unknown>; whole?: boolean; actor?: Actor };
type Changed = Extract<ClientChanged, { ok: true }>;
/** `renamed`: it knows people by other names from now on. */
type Written = { ok: true; before: Client; changed: Changed; doubted: boolean; renamed: boolean };
type Refused = Extract<ClientChanged, { ok: false }> | { ok: false; reason: 'disabled' };

const mostTries = 10;

/**
 * An app has us fetch its list, for as long as it likes, between the reading and the writing. What an operator changed
 * meanwhile is looked at anew, so that nothing that was taken from the app comes back, and nothing that nobody saw is vouched for.
 */
async function write(services: Context, asked: Asked): Promise<Written | Refused> {
  const looked: ClientMetadata[] = [];
  for (let tries = 0; tries < mostTries; tries += 1) {
    const written = await writeOnce(services, asked, looked);
    if (written.ok || written.reason !== 'changed_meanwhile') return written;
  }
  throw new StoreUnavailable('records', new Error(`others changed the app ${asked.clientId} all the time`));
}

async function writeOnce(
  services: Context,
  asked: Asked,
  looked: ClientMetadata[],
): Promise<Written | Refused | { ok: false; reason: 'changed_meanwhile' }> {
  const { clientId } = asked;
  const itself = asked.actor === 'client';
  const before = await findClient(services, clientId);
  if (!before) return refused('unknown_client');
  if (itself && before.disabledAt !== undefined) return refused('disabled');
  const metadata = merged(before, asked);
  const renamed = itself && (await endGrantsOfOtherSector(services, { client: before, metadata }));
  const checked = checkClientMetadata(metadata, before.metadata);
  if (!checked.ok) return checked;
  const foreign = await refuseForeignSector(services, checked.metadata, [before.metadata, ...looked]);
  if (foreign) return foreign;
  looked.push(checked.metadata);
  const doubted = itself && isAnother(before, checked.metadata);
  const changed = await changeMetadata(services, { clientId, metadata, before, unverified: doubted });
  if (!changed.ok) return changed;
  return { ok: true, before, changed, doubted, renamed };
}

function merged(before: Client, { changes, whole, actor }: Asked): Record<string, unknown> {
  const kept = actor === 'client' ? operatorsMembers(before) : {};
  const all = Object.entries({ ...(whole ? {} : before.metadata), ...changes, ...kept });
  return Object.fromEntries(all.filter(([, value]) => value !== null));
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
