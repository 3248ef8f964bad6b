import { type Client, findClient } from '../../clients/registry/registry.ts';
import { type Consent, listConsents } from '../../src/consents/consent.ts';
import { accountClientId } from '../../src/oidc/account-client.ts';
import { listGrants } from '../../src/oidc/grants.ts';
import type { Services } from '../../src/services.ts';

/** An app that the account gave access, or that holds access now without having been asked about (our own apps). */
export type AppAccess = { client: Client; consent: Consent | undefined };

export async function listAppsWithAccess(
  services: Pick<Services, 'db' | 'live'>,
  accountId: string,
): Promise<AppAccess[]> {
  const [consents, grants] = await Promise.all([
    listConsents(services, accountId),
    listGrants(services, accountId),
  ]);
  const byClient = new Map(consents.map((consent) => [consent.clientId, consent]));
  const clientIds = new Set([...byClient.keys(), ...grants.map(({ clientId }) => clientId)]);
  clientIds.delete(accountClientId);
  const apps = await Promise.all(
    [...clientIds].map(async (clientId) => {
      const client = await findClient(services, clientId);
      return client && { client, consent: byClient.get(clientId) };
    }),
  );
  return apps.filter((app) => app !== undefined);
}

export async function findAppWithAccess(
  services: Pick<Services, 'db' | 'live'>,
  { accountId, clientId }: { accountId: string; clientId: string },
): Promise<AppAccess | undefined> {
  const apps = await listAppsWithAccess(services, accountId);
  return apps.find(({ client }) => client.clientId === clientId);
}

/** The app's name in the reader's language where it has one (RFC 7591 section 2.2). */
export function appName({ metadata }: Client, locale: string): string {
  return metadata[`client_name#${locale}`] ?? metadata.client_name;
}

/** Where the app says what it does with what it receives, in the reader's language where it has such pages. */
export function appDocuments(
  { metadata }: Client,
  locale: string,
): { privacy: string | undefined; terms: string | undefined } {
  return {
    privacy: metadata[`policy_uri#${locale}`] ?? metadata.policy_uri,
    terms: metadata[`tos_uri#${locale}`] ?? metadata.tos_uri,
  };
}

/** The host that people know the app by; undefined for apps that have no address on the web. */
export function appHost({ metadata }: Client): string | undefined {
  const addresses = [metadata.client_uri, ...metadata.redirect_uris];
  const web = addresses.find((address) => address !== undefined && /^https?:/.test(address));
  return web && new URL(web).host;
}
