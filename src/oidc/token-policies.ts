import type { AccessToken, Client, ClientCredentials, KoaContextWithOIDC, RefreshToken } from 'oidc-provider';
import { errors } from 'oidc-provider';
import { epochSeconds } from '../kit/clock.ts';
import type { Services } from '../services.ts';
import { mayComeIn } from './claims.ts';
import type { KnownRecords } from './known-records.ts';
import { asEngineError } from './unavailable.ts';

type Token = AccessToken | ClientCredentials | RefreshToken;

/**
 * Who may learn about a token by introspection: the app it was issued to, and resource servers that were named for
 * that app. The engine's default tells every confidential app everything (engine facts 5). A token of a suspended
 * account, or of an app that is gone, is not active to anybody (facts 6 and 7).
 */
export function mayIntrospect(known: KnownRecords) {
  return (_ctx: KoaContextWithOIDC, client: Client, token: Token): Promise<boolean> =>
    asEngineError(async () => {
      if (client.clientAuthMethod === 'none' || !token.clientId) return false;
      if (client.clientId !== token.clientId && !(await isNamedFor(known, client, token))) return false;
      const issuedTo = await known.client(token.clientId);
      if (!issuedTo || issuedTo.disabledAt !== undefined) return false;
      const accountId = 'accountId' in token ? token.accountId : undefined;
      if (!accountId) return true;
      const account = await known.account(accountId);
      return account !== undefined && mayComeIn(account);
    });
}

/** An app revokes its own tokens. For a foreign one the answer is the same 200 as for one that does not exist (RFC 7009 section 2.2). */
export function mayRevoke(_ctx: KoaContextWithOIDC, client: Client, token: Token): boolean {
  return client.clientId === token.clientId;
}

/**
 * The metadata `resource_server`: the apps whose tokens this one may look at, `*` for all. Operators set it. A token for an
 * API is that API's business: of those that are named for single apps it is shown to who works for the API and nobody else.
 */
async function isNamedFor(known: KnownRecords, client: Client, token: Token): Promise<boolean> {
  const named = client['resource_server'];
  if (named === '*' || (Array.isArray(named) && named.includes('*'))) return true;
  const api = 'aud' in token && typeof token.aud === 'string' ? await known.api(token.aud) : undefined;
  if (api) return api.introspected_by.includes(client.clientId);
  return Array.isArray(named) && named.includes(String(token.clientId));
}

/** Seconds. Long enough for any clock that is roughly right. */
const longestAssertion = 600;

/**
 * A client assertion is for one request: RFC 7523 section 3 lets us refuse one that stays good "unreasonably far in the
 * future", which would be a password that is written down, and would keep its replay mark as long.
 */
export function assertShortLived({ clock }: Pick<Services, 'clock'>, { exp }: { exp?: unknown }): void {
  if (typeof exp === 'number' && exp - epochSeconds(clock) <= longestAssertion) return;
  throw new errors.InvalidClientAuth('the client assertion expires too far in the future');
}
