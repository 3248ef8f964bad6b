import { type Client, type Configuration, errors, type KoaContextWithOIDC } from 'oidc-provider';
import type { Api } from '../../../clients/registry/apis/apis.ts';
import { isUnverified } from '../../../clients/registry/registration.ts';
import { isFirstParty } from '../grant-minting.ts';
import type { KnownRecords } from '../known-records.ts';
import { asEngineError } from '../unavailable.ts';

type Feature = NonNullable<NonNullable<Configuration['features']>['resourceIndicators']>;

/**
 * Access tokens for APIs (RFC 8707): an app names an API by its identifier, may ask for its scopes, and gets tokens that
 * are for that API alone. Several may be asked for at once; each token is for one of them. The APIs are those that the
 * operator registered (clients/registry/apis); an app may use those among its `resources`, and those open to all.
 */
export function resourceIndicators(known: KnownRecords): Feature {
  return {
    enabled: true,
    async getResourceServerInfo(ctx, identifier, client) {
      const api = await apiFor(known, client, identifier);
      if (!api || (await isStrangerForItself(known, ctx, api))) throw new errors.InvalidTarget();
      return {
        audience: api.identifier,
        scope: scopesFor(client, api).join(' '),
        accessTokenTTL: api.token_lifetime,
        accessTokenFormat: api.token_format,
        ...(api.token_format === 'jwt' ? { jwt: { sign: { alg: api.signing_alg } } } : {}),
      };
    },
  };
}

/** The API, if this app may have tokens for it. */
export async function apiFor(
  known: KnownRecords,
  client: Client,
  identifier: string,
): Promise<Api | undefined> {
  const api = await asEngineError(() => known.api(identifier));
  if (!api || (api.first_party_only && !isFirstParty(client))) return undefined;
  const named = (client as { resources?: readonly string[] }).resources?.includes(identifier) === true;
  return named || api.open_to_all ? api : undefined;
}

/**
 * An API that is open to all lets every app ask people. A token of an app for itself (RFC 6749 section 4.4) nobody is asked
 * about, so one that came by itself gets none until an operator vouched for it.
 */
async function isStrangerForItself(
  known: KnownRecords,
  { oidc }: KoaContextWithOIDC,
  { identifier }: Api,
): Promise<boolean> {
  if (oidc.params?.['grant_type'] !== 'client_credentials') return false;
  const app = await asEngineError(() => known.client(String(oidc.client?.clientId)));
  return app !== undefined && isUnverified(app) && app.metadata.resources?.includes(identifier) !== true;
}

/** Of an app that says which scopes of the API it may ask for, those; else all. */
function scopesFor({ scope }: Client, api: Api): string[] {
  const all = api.scopes.map(({ name }) => name);
  const registered = new Set(scope?.split(' ') ?? []);
  const named = all.filter((name) => registered.has(name));
  return named.length > 0 ? named : all;
}
