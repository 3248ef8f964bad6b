import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import { findConsent, touchConsent } from '../consents/consent.ts';
import { isScope } from '../consents/scopes.ts';
import type { Services } from '../services.ts';
import { accountClientId } from './account-client.ts';
import { asEngineError } from './unavailable.ts';

type Grant = InstanceType<Provider['Grant']>;
type Context = Pick<Services, 'db' | 'clock'> & { readonly provider: Provider };

/**
 * From what a person decided once (the consent, a record) to what the engine works with (a grant, live state). Each
 * session gets a grant of its own: were one shared by all of a person's devices, a stolen refresh token on one would
 * sign out the others too.
 */
export async function mintGrant(
  { db, provider }: Pick<Context, 'db' | 'provider'>,
  { accountId, clientId }: { accountId: string; clientId: string },
): Promise<Grant | undefined> {
  const consent = await asEngineError(() => findConsent({ db }, { accountId, clientId }));
  if (!consent) return undefined;
  return saved(new provider.Grant({ accountId, clientId }), consent);
}

async function saved(
  grant: Grant,
  { allowed, declined }: { allowed: string[]; declined: string[] },
): Promise<Grant> {
  grant.addOIDCScope([...new Set(['openid', ...allowed.filter(isScope)])].join(' '));
  if (declined.length > 0) grant.rejectOIDCScope(declined.filter(isScope).join(' '));
  await grant.save();
  return grant;
}

/**
 * The engine's `loadExistingGrant`: the grant just made on the consent page, or the one this session has if it covers
 * the request, or a new one from the record, so that a person is asked once for an app and not once for a browser.
 */
export async function existingGrant(context: Context, ctx: KoaContextWithOIDC): Promise<Grant | undefined> {
  const { provider } = context;
  const { client, session, result, params } = ctx.oidc;
  const accountId = session?.accountId;
  if (!client || !session || !accountId) return undefined;
  const clientId = client.clientId;
  const grantId = result?.consent?.grantId ?? session.grantIdFor(clientId);
  const found = grantId ? await provider.Grant.find(grantId) : undefined;
  const current = found?.accountId === accountId && found.clientId === clientId ? found : undefined;
  const requested = String(params?.['scope'] ?? '')
    .split(' ')
    .filter(isScope);
  if (current && covers(current, requested)) return current;
  if (isFirstParty(client)) return firstPartyGrant(context, { accountId, clientId, requested });
  const minted = await mintFromRecord(context, { accountId, clientId, current });
  return minted ?? current;
}

/** A new grant from the record, when the record holds a decision that the session's grant does not. */
async function mintFromRecord(
  { db, clock, provider }: Context,
  { accountId, clientId, current }: { accountId: string; clientId: string; current: Grant | undefined },
): Promise<Grant | undefined> {
  const pair = { accountId, clientId };
  const consent = await asEngineError(() => findConsent({ db }, pair));
  if (!consent || (current && covers(current, [...consent.allowed, ...consent.declined]))) return undefined;
  await asEngineError(() => touchConsent({ db, clock }, pair));
  return saved(new provider.Grant(pair), consent);
}

/** Apps of the company itself ask for no consent: what they ask for is granted, and nothing is recorded as decided. */
async function firstPartyGrant(
  { provider }: Context,
  { accountId, clientId, requested }: { accountId: string; clientId: string; requested: string[] },
): Promise<Grant> {
  return saved(new provider.Grant({ accountId, clientId }), { allowed: requested, declined: [] });
}

export function isFirstParty(client: object): boolean {
  const { clientId, first_party } = client as { clientId?: string; first_party?: unknown };
  return clientId === accountClientId || first_party === true;
}

/** Whether every scope was decided in this grant, allowed or declined. */
function covers(grant: Grant, scopes: readonly string[]): boolean {
  const decided = new Set(grant.getOIDCScopeEncountered().split(' '));
  return scopes.every((scope) => !isScope(scope) || decided.has(scope));
}
