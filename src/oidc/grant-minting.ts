import { isDeepStrictEqual } from 'node:util';
import type { KoaContextWithOIDC, Provider } from 'oidc-provider';
import { findClient } from '../../clients/registry/registry.ts';
import { isApiScope } from '../consents/api-scopes.ts';
import { onlyListed } from '../consents/compat-scopes.ts';
import { findConsent, touchConsent } from '../consents/consent.ts';
import { askableScopes, isGrantable } from '../consents/scopes.ts';
import { newId } from '../kit/secrets.ts';
import type { Services } from '../services.ts';
import type { LiveStep } from '../store/live.ts';
import { sourceOf } from '../web/request-state.ts';
import { accountClientId } from './account-client.ts';
import { scopesWith } from './answers/claims-by-scope.ts';
import { allowAutomatic } from './compat/automatic-consent.ts';
import { isCompatClient } from './compat/token-form.ts';
import { allDecided, decidedScopes, noteDecided, notedDecided } from './decided-scopes.ts';
import { listedAs, unlist } from './end-grants.ts';
import { listGrant, Overtaken, readGrantGenerations, whenListed, withGenerations } from './grant-records.ts';
import { grantApiScopes } from './resources/api-grants.ts';
import { requestedApiScopes } from './resources/requested-scopes.ts';
import { isStillSignedIn } from './still-signed-in.ts';
import { asEngineError } from './unavailable.ts';

type Grant = InstanceType<Provider['Grant']>;
type Context = Pick<Services, 'db' | 'clock' | 'live'> & { readonly provider: Provider };
type Pair = { accountId: string; clientId: string };
/**
 * `grantId`: the name that the grant has to have, where something waits for it under that name. `answeredIn`: the session in
 * which a person gave it, where the grant does not hang on that session and so does not end with it. `onlyWhile`: what has
 * to be so still when it is written.
 */
type Parties = Pair & { sessionUid?: string; grantId?: string; answeredIn?: string; onlyWhile?: LiveStep };

/**
 * From what a person decided once (the consent, a record) to what the engine works with (a grant, live state). Each
 * session gets a grant of its own: were one shared by all of a person's devices, a stolen refresh token on one would
 * sign out the others too.
 */
/** `details`: what was allowed on the page for this once (RFC 9396), and stands in no record. */
export async function mintGrant(
  context: Context,
  parties: Parties,
  details: readonly object[] = [],
): Promise<Grant | undefined> {
  return mint(context, parties, async () => {
    const consent = await findConsent(context, parties);
    return consent && { ...consent, details };
  });
}

/** For what was asked on another device (cross-device/): the grant has its name already, and hangs on no session. */
export async function mintAskedGrant(
  context: Context,
  parties: Pair & { grantId: string; answeredIn: string; onlyWhile: LiveStep },
  requested: readonly string[],
): Promise<Grant | undefined> {
  const client = await findClient(context, parties.clientId);
  if (!client?.metadata.first_party) return mintGrant(context, parties);
  return mint(context, parties, async () => ({ allowed: [...requested], declined: [] }));
}

type Decision = { allowed: string[]; declined: string[]; details?: readonly object[] };

/**
 * The decision is read after the generations that its end would change, and with it the app's record, for one that is gone or
 * disabled is given nothing, and where the grant hangs on no session, who answers (endings.ts, steps 1 and 2). A grant that
 * hangs on a session is taken back where that is gone by the end: by finishConsent, and by the engine's write of the session.
 * Where an ending came between, all of it is read once more.
 */
async function mint(
  context: Context,
  parties: Parties,
  decide: () => Promise<Decision | undefined>,
): Promise<Grant | undefined> {
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const generations = await asEngineError(() => readGrantGenerations(context, parties));
    const [decision, welcome, signedIn] = await asEngineError(() =>
      Promise.all([decide(), isWelcome(context, parties), isAnswering(context, parties)]),
    );
    if (!decision || !welcome || !signedIn) return undefined;
    const { onlyWhile, ...named } = parties;
    const made = new context.provider.Grant(named);
    made.jti = parties.grantId ?? newId();
    const grant = await saved(filled(made, decision), { generations, onlyWhile });
    if (grant) return grant;
  }
  return undefined;
}

async function isWelcome({ db }: Pick<Context, 'db'>, { clientId }: Pair): Promise<boolean> {
  if (clientId === accountClientId) return true;
  const client = await findClient({ db }, clientId);
  return client !== undefined && client.disabledAt === undefined;
}

async function isAnswering(context: Context, { accountId, answeredIn }: Parties): Promise<boolean> {
  return answeredIn === undefined || isStillSignedIn(context, { accountId, sessionUid: answeredIn });
}

/**
 * The same on the way of an authorization request, one trip shorter: listed before the decision is read and not after it
 * (endings.ts, at its end). Nothing is listed for whom nothing was decided.
 */
async function mintOnTheWay(
  context: Context,
  parties: Pair & { sessionUid: string },
  decide: () => Promise<Decision | undefined>,
): Promise<Grant | undefined> {
  const likely = await asEngineError(decide);
  if (!likely) return undefined;
  const made = filled(new context.provider.Grant(parties), likely);
  made.jti = newId();
  const [decision, welcome] = await asEngineError(async () => {
    await listGrant(context, { ...parties, grantId: made.jti }, made.expiration);
    return Promise.all([decide(), isWelcome(context, parties)]);
  });
  if (welcome && isDeepStrictEqual(decision, likely)) return whenListed(made.jti, () => saveOf(made));
  await asEngineError(() => unlist(context, listedAs(made.jti, parties)));
  return decision && mint(context, parties, decide);
}

async function saveOf(grant: Grant): Promise<Grant> {
  await grant.save();
  return grant;
}

/** Undefined when an ending came between, or another answer. */
async function saved(grant: Grant, given: Parameters<typeof withGenerations>[0]): Promise<Grant | undefined> {
  try {
    return await withGenerations(given, () => saveOf(grant));
  } catch (error) {
    if (error instanceof Overtaken) return undefined;
    throw error;
  }
}

function filled(grant: Grant, { allowed, declined, details = [] }: Decision): Grant {
  grant.addOIDCScope(
    [...new Set(['openid', ...allowed.filter((scope) => isGrantable(scope) && !isApiScope(scope))])].join(
      ' ',
    ),
  );
  grantApiScopes(grant, { allowed, declined });
  for (const detail of details) grant.addRar(detail as never);
  if (declined.length > 0)
    grant.rejectOIDCScope(declined.filter((scope) => isGrantable(scope) && !isApiScope(scope)).join(' '));
  return grant;
}

/**
 * The engine's `loadExistingGrant`: the grant just made on the consent page, or the one this session has if it covers
 * the request, or a new one from the record, so that a person is asked once for an app and not once for a browser.
 */
export async function existingGrant(
  context: Context & Pick<Services, 'seals' | 'log' | 'settings'>,
  ctx: KoaContextWithOIDC,
): Promise<Grant | undefined> {
  const { client, session } = ctx.oidc;
  if (!client || !session?.accountId) return undefined;
  const grant = await grantFor(context, ctx, {
    accountId: session.accountId,
    clientId: client.clientId,
    sessionUid: session.uid,
  });
  if (grant) noteDecided(session, grant);
  return grant;
}

/** Where the session says that the grant it has does not cover the request, that grant is read only if no other can be made. */
async function grantFor(
  context: Context & Pick<Services, 'seals' | 'log' | 'settings'>,
  ctx: KoaContextWithOIDC,
  parties: Pair & { sessionUid: string },
): Promise<Grant | undefined> {
  const { client, account } = ctx.oidc;
  const requested = allRequested(ctx);
  async function mintBeyond(decided: readonly string[] | undefined) {
    // Apps of the company itself ask for no consent: what they ask for is granted, and nothing is recorded as decided.
    if (client && asksNoConsent(context, client))
      return mintOnTheWay(context, parties, async () => ({ allowed: requested, declined: [] }));
    if (account) await asEngineError(() => allowAutomatic(context, parties, requested, sourceOf(ctx)));
    return mintFromRecord(context, parties, decided);
  }
  const wanting = asksForMore(ctx);
  const early = wanting && (await mintBeyond(wanting));
  if (early) return early;
  const { current, covered } = await currentGrant(context, ctx);
  if (covered) return current;
  return (await mintBeyond(current && decidedScopes(current))) ?? current;
}

/** What the session says was decided in the grant it has, where the request asks for more than that; otherwise undefined. */
export function asksForMore(ctx: KoaContextWithOIDC): string[] | undefined {
  const { client, session, result } = ctx.oidc;
  if (!client || !session || result?.consent?.grantId) return undefined;
  const decided = notedDecided(session, client.clientId);
  return decided && !allDecided(decided, allRequested(ctx)) ? decided : undefined;
}

/** The grant that this session has for the app, and whether all that the request asks for was decided in it. */
export async function currentGrant(
  { provider }: Pick<Context, 'provider'>,
  ctx: KoaContextWithOIDC,
): Promise<{ current: Grant | undefined; covered: boolean }> {
  const { client, session, result } = ctx.oidc;
  const clientId = String(client?.clientId);
  // The engine's own question would leave an empty entry in the session for an app that it does not know yet.
  const grantId = result?.consent?.grantId ?? session?.authorizations?.[clientId]?.grantId;
  const found = grantId ? await provider.Grant.find(grantId) : undefined;
  const current = found?.accountId === session?.accountId && found?.clientId === clientId ? found : undefined;
  return { current, covered: current !== undefined && covers(current, allRequested(ctx)) };
}

const allRequested = (ctx: KoaContextWithOIDC) => [...requestedOf(ctx), ...requestedApiScopes(ctx)];

/** A new grant from the record, when the record holds a decision about more than was `decided` in the session's grant. */
async function mintFromRecord(
  context: Context,
  parties: Pair & { sessionUid: string },
  decided: readonly string[] | undefined,
): Promise<Grant | undefined> {
  const minted = await mintOnTheWay(context, parties, async () => {
    const consent = await findConsent(context, parties);
    if (!consent || (decided && allDecided(decided, [...consent.allowed, ...consent.declined])))
      return undefined;
    return consent;
  });
  if (minted) await asEngineError(() => touchConsent(context, parties));
  return minted;
}

/** In a run of the conformance suite every app of others asks, whatever it is marked (docs/conformance.md). */
function asksNoConsent({ settings }: Pick<Services, 'settings'>, client: { clientId: string }): boolean {
  return isFirstParty(client) && (!settings.conformance || client.clientId === accountClientId);
}

export function isFirstParty(client: object): boolean {
  const { clientId, first_party } = client as { clientId?: string; first_party?: unknown };
  return clientId === accountClientId || first_party === true;
}

const covers = (grant: Grant, scopes: readonly string[]) => allDecided(decidedScopes(grant), scopes);

/** What the request asks a person for, of whichever kind the app is. */
export function requestedOf({ oidc }: KoaContextWithOIDC): string[] {
  const named = scopesWith(oidc.requestParamClaims);
  const names = [...String(oidc.params?.['scope'] ?? '').split(' '), ...named];
  const asked = askableScopes(names, { compatible: isCompatClient(oidc.client) });
  return onlyListed(asked, oidc.client?.scope);
}
