import type { Account, AdapterPayload, Client, KoaContextWithOIDC } from 'oidc-provider';
import { compatMarker } from '../../consents/compat-scopes.ts';
import { epochSeconds } from '../../kit/clock.ts';
import { isHighAssurance } from '../assurance/high-assurance.ts';
import { isCompatClient } from '../compat/token-form.ts';
import { requestMemory } from '../request-memory.ts';
import type { StoredGrant } from '../stored-grant.ts';
import type { PlainParts } from './plain-grants.ts';

/** A code or refresh token as it is stored. */
export type Source = AdapterPayload & { grantId: string; accountId: string; clientId: string; scope: string };

/** What was presented, with all it may be exchanged for. */
export type PlainSource = { client: Client; source: Source; grant: StoredGrant; account: Account };

/** Members of a source that ask for more than is done here: an API's token, a proof of possession, claims by name. */
const special = [
  'consumed',
  'claims',
  'resource',
  'rar',
  'jkt',
  'x5t#S256',
  'dpopJkt',
  'attestationJkt',
] as const satisfies (keyof AdapterPayload)[];

/**
 * What the engine asks of a source before it gives anything for it, whichever grant type: that it and its grant are there, in
 * time, unused and of this app, and that the account may come in. Undefined for every no.
 */
export async function plainSource(
  { clock, findAccount }: Pick<PlainParts, 'clock' | 'findAccount'>,
  ctx: KoaContextWithOIDC,
  found: AdapterPayload | undefined,
): Promise<PlainSource | undefined> {
  const { client } = ctx.oidc;
  if (!found || !client || !isPlainSource(found)) return undefined;
  const grant = requestMemory()?.grants.get(found.grantId)?.grant;
  const now = epochSeconds(clock);
  if (!grant || !isGood(found, client, now) || !isGood(grant, client, now)) return undefined;
  if (grant.accountId !== found.accountId) return undefined;
  const account = await findAccount(ctx, found.accountId, found as never);
  return account && { client, source: found, grant, account };
}

function isGood({ clientId, exp }: AdapterPayload, client: Client, now: number): boolean {
  return clientId === client.clientId && exp !== undefined && exp > now;
}

function isPlainSource(found: AdapterPayload): found is Source {
  for (const name of special) if (found[name] !== undefined) return false;
  const { grantId, accountId, scope } = found;
  if (grantId === undefined || accountId === undefined || scope === undefined) return false;
  const scopes = scope.split(' ');
  return scopes.includes('openid') && !scopes.includes(compatMarker);
}

/** An app that is registered for nothing that has a way of its own through the engine. */
export function isPlainClient({ signers }: Pick<PlainParts, 'signers'>, client: Client): boolean {
  return (
    !isCompatClient(client) &&
    !isHighAssurance(client) &&
    !client.tlsClientCertificateBoundAccessTokens &&
    !client.dpopBoundAccessTokens &&
    !client.idTokenEncryptedResponseAlg &&
    signers.has(client.idTokenSignedResponseAlg ?? '')
  );
}

/** What the grant allows of these scopes, in the grant's order; what was declined is not in it (claims-by-scope.ts). */
export function grantedScope({ openid, rejected }: StoredGrant, asked: readonly string[]): string {
  const declined = rejected?.openid?.scope?.split(' ') ?? [];
  const granted = new Set(openid?.scope?.split(' '));
  for (const scope of declined) if (scope !== 'openid') granted.delete(scope);
  return [...granted].filter((scope) => asked.includes(scope)).join(' ');
}
