import type { AdapterPayload, Client as EngineClient, Provider } from 'oidc-provider';
import type { Client } from '../../clients/registry/registry.ts';
import { sectorOf } from '../../clients/registry/sector.ts';
import type { Clock } from '../kit/clock.ts';
import { digest, sameSecret } from '../kit/secrets.ts';
import { accountClientId } from './account-client.ts';
import { flowsForEngine } from './answers/response-types.ts';
import { forcedMembers } from './assurance/forced.ts';
import type { KnownRecords } from './known-records.ts';
import { asEngineError } from './unavailable.ts';

/**
 * The engine's view of an app. A disabled app is no app. What stands in `client_secret` is the list of digests and their
 * ends: the engine's own comparison is replaced by `compareSecret`, which also refuses a secret with NULs appended
 * (engine facts 12).
 */
export async function findClientMetadata(
  known: KnownRecords,
  clientId: string,
): Promise<AdapterPayload | undefined> {
  const client = await findApp(known, clientId);
  return client && (toEngine(client) as AdapterPayload);
}

async function findApp(known: KnownRecords, clientId: string): Promise<Client | undefined> {
  if (clientId === accountClientId || !isClientId(clientId)) return undefined;
  const client = await known.client(clientId);
  return client?.disabledAt === undefined ? client : undefined;
}

/**
 * The engine checks and hashes all metadata of an app each time it looks for it. An app that is the very copy it was the
 * last time (known-records.ts) is the same client; a change makes a new copy.
 */
export function keepClients(provider: Provider, known: KnownRecords): void {
  const clients = new WeakMap<Client, EngineClient>();
  const find = provider.Client.find.bind(provider.Client);
  provider.Client.find = async (clientId) => {
    const app = await asEngineError(() => findApp(known, clientId));
    const ready = app && clients.get(app);
    if (ready) return ready;
    const client = await find(clientId);
    if (client) Object.assign(client, client['afterChecks']);
    // Only what was made from this copy: it may have changed while the engine looked.
    if (app && client && (await asEngineError(() => findApp(known, clientId))) === app)
      clients.set(app, client);
    return client;
  };
}

/**
 * What of ours the engine is to carry along (`extraClientMetadata`): switches, whose names for people the app has
 * (pairwise.ts), and what is said of it only after the engine's checks.
 */
export const ownSwitches = [
  'login_with_amazon',
  'first_party',
  'require_pkce',
  'high_assurance',
  'allow_implicit',
  'company',
  'resources',
  'resource_server',
  'sector',
  'signs_answers',
  'afterChecks',
] as const;

function toEngine(client: Client): object {
  const { clientId, metadata, secrets } = client;
  const digests = secrets.map((secret) => `${secret.digest}:${secret.expiresAt ?? ''}`);
  const known = Object.entries(metadata).filter(([name]) => !hidden.has(name));
  const { token_endpoint_auth_method: method, backchannel_client_notification_endpoint: told } = metadata;
  return {
    ...Object.fromEntries(known),
    ...forcedMembers(metadata),
    ...(told ? { backchannel_client_notification_endpoint: told.replace(/^http:/, 'https:') } : {}),
    client_id: clientId,
    ...flowsForEngine(metadata),
    ...(method.startsWith('client_secret_') ? { client_secret: digests.join(' ') || noSecret } : {}),
    sector: sectorOf(client),
    afterChecks: afterChecks(metadata),
  };
}

/**
 * The engine is told of these after it has checked the rest, or never: it would fetch the list of a sector at each look,
 * know no sector but a host and no scope of an API, and want https where we allow loopback to who develops. The registry
 * has checked them.
 */
function afterChecks(metadata: Client['metadata']): Partial<EngineClient> {
  const { backchannel_client_notification_endpoint: told } = metadata;
  return {
    ...(told ? { backchannelClientNotificationEndpoint: told } : {}),
    subjectType: metadata.subject_type === 'pairwise' ? 'pairwise' : 'public',
    ...(metadata.scope === undefined ? {} : { scope: metadata.scope }),
    ...(metadata.default_acr_values ? { defaultAcrValues: metadata.default_acr_values } : {}),
    // Without it: every kind of the APIs it may use. To the engine it would mean none.
    authorizationDetailsTypes: metadata.authorization_details_types,
    // Also where no certificate can come (MTLS_HEADER): then it gets no token, rather than one that anybody can use.
    ...(metadata.tls_client_certificate_bound_access_tokens
      ? { tlsClientCertificateBoundAccessTokens: true }
      : {}),
  };
}
const hidden = new Set<string>([
  'authorization_details_types',
  'subject_type',
  'default_acr_values',
  'sector_identifier_uri',
  'initiate_login_uri',
  'scope',
]);

// An app that has no secret: the engine wants a text, and no digest is equal to this one.
const noSecret = 'none:';

/** Takes the place of the engine's `compareClientSecret`, which answers for a stored secret and not for digests. */
export function compareSecret({ clock }: { clock: Clock }) {
  return async function compareClientSecret(
    this: { clientSecret?: string },
    given: string,
  ): Promise<boolean> {
    const hashed = digest(given);
    const known = (this.clientSecret ?? noSecret).split(' ').map((one) => one.split(':'));
    return known
      .filter(([, expiresAt]) => !expiresAt || Number(expiresAt) > clock.now())
      .map(([one = '']) => sameSecret(one, hashed))
      .includes(true);
  };
}

/** RFC 6749 appendix A.1 allows visible ASCII; a longer or stranger text is not looked up at all. */
function isClientId(text: unknown): boolean {
  return typeof text === 'string' && /^[\x20-\x7e]{1,256}$/.test(text);
}
