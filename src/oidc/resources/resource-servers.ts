import { type Client, type Configuration, errors } from 'oidc-provider';
import type { Api } from '../../../clients/registry/apis/apis.ts';
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
    async getResourceServerInfo(_ctx, identifier, client) {
      const api = await apiFor(known, client, identifier);
      if (!api) throw new errors.InvalidTarget();
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

/** Of an app that says which scopes of the API it may ask for, those; else all. */
function scopesFor({ scope }: Client, api: Api): string[] {
  const all = api.scopes.map(({ name }) => name);
  const registered = new Set(scope?.split(' ') ?? []);
  const named = all.filter((name) => registered.has(name));
  return named.length > 0 ? named : all;
}
