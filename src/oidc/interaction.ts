import type { Context } from 'koa';
import type { Client } from '../../clients/registry/registry.ts';
import { recordEvent } from '../audit/record.ts';
import { apiScopeName } from '../consents/api-scopes.ts';
import { epochSeconds } from '../kit/clock.ts';
import { type Wanted, wantedLevel } from '../kit/levels.ts';
import type { Outcome } from '../kit/outcome.ts';
import { refused } from '../kit/outcome.ts';
import type { App } from '../services.ts';
import { sourceOf } from '../web/request-state.ts';
import { accountClientId } from './account-client.ts';
import { requestedScopesOf, undecidedScopes } from './answers/claims-by-scope.ts';
import { isDecided, isFinal, isSignedInJustNow } from './decision.ts';
import { dropGrant } from './end-grants.ts';
import { type Generation, readGeneration } from './endings.ts';
import { mintGrant } from './grant-minting.ts';
import {
  changeInteraction,
  detailsOf,
  type Expired,
  goOn,
  type Stored,
  wayOn,
} from './interaction-change.ts';
import { openKnownRecords } from './known-records.ts';
import { layout } from './live-layout.ts';
import { dropSession } from './session-ending.ts';
import { uidShape } from './session-records.ts';
import { isStillSignedIn } from './still-signed-in.ts';

/**
 * A sign-in or a consent that is under way, for the pages. The engine keeps it, binds it to a cookie and ends it; what
 * a person has proved so far is kept in it, sealed, as *progress*. `login` is written only when everything is proved:
 * whoever jumps ahead to the address the engine goes on at finds no login there and is asked again.
 */
export type CurrentInteraction = {
  uid: string;
  prompt: PromptName;
  /** Why it is asked: the names of the checks in interaction-policy.ts. */
  reasons: readonly string[];
  /** The level that is asked for (src/kit/levels.ts). */
  wanted: Wanted;
  /** The authorization request's parameters (OpenID Connect Core section 3.1.2.1). */
  params: Record<string, string | undefined>;
  /** The app that asks; undefined when it is our own account pages. */
  client: Client | undefined;
  /** What rememberProgress kept; undefined at the beginning. */
  progress: unknown;
  /** Who is signed in on this browser, if anybody, and in which session; always there when the prompt is consent. */
  accountId: string | undefined;
  sessionUid: string | undefined;
  /** For consent: the scopes that were not decided yet. Empty when the app asked to be shown the page again. */
  newScopes: string[];
  /** What is asked for beside scopes, for this once (RFC 9396). */
  details: ({ type: string } & Record<string, unknown>)[];
  /** All the scopes it is about, whether named themselves or by a claim (OpenID Connect Core section 5.5). */
  requestedScopes: string[];
  /** The path it goes on at, once it was decided or somebody just signed in: another tab, or a second click, is late. */
  goesOnAt: string | undefined;
};

const promptNames = ['login', 'consent', 'select_account', 'create'] as const;
type PromptName = (typeof promptNames)[number];

export async function currentInteraction(
  app: App,
  ctx: Context,
): Promise<Outcome<{ interaction: CurrentInteraction }, 'expired'>> {
  const details = await detailsOf(app, ctx);
  if (!details) return refused('expired');
  const { uid, prompt, params, result, session, returnTo } = details;
  const clientId = String(params['client_id']);
  const client = clientId === accountClientId ? undefined : await openKnownRecords(app).client(clientId);
  // Disabled or removed while the page was open: the request it came with is void.
  if (clientId !== accountClientId && (!client || client.disabledAt !== undefined)) return refused('expired');
  const name = promptNames.find((one) => one === prompt.name);
  if (!name) throw new Error(`no page for the prompt ${prompt.name}`);
  const isOver = isFinal(result) || isSignedInJustNow(app, result);
  return {
    ok: true,
    interaction: {
      uid,
      prompt: name,
      reasons: prompt.reasons,
      wanted: wantedLevel(params),
      params: params as Record<string, string | undefined>,
      client,
      progress: openProgress(app, uid, result),
      accountId: session?.accountId,
      sessionUid: session?.uid,
      newScopes: [...undecidedScopes(prompt.details), ...missingApiScopes(prompt.details)],
      details: (prompt.details['rar'] as CurrentInteraction['details'] | undefined) ?? [],
      requestedScopes: requestedScopesOf(params),
      goesOnAt: isOver ? wayOn(app, returnTo).slice(app.settings.issuer.origin.length) : undefined,
    },
  };
}

function missingApiScopes(details: Record<string, unknown>): string[] {
  const missing = (details['missingResourceScopes'] ?? {}) as Record<string, string[]>;
  return Object.entries(missing).flatMap(([api, scopes]) => scopes.map((scope) => apiScopeName(api, scope)));
}

/** Keeps how far the person has come. Answers nothing to the browser; the caller does. */
export async function rememberProgress(app: App, ctx: Context, progress: object): Promise<Expired> {
  return changeInteraction(app, ctx, ({ uid, lastSubmission }) => ({
    result: { ...lastSubmission, progress: app.seals.seal(progressPurpose(uid), JSON.stringify(progress)) },
  }));
}

/** To be read before the account is looked at for the last time: endings.ts, step 1. */
export function readSignInGeneration(app: Pick<App, 'live'>, accountId: string): Promise<Generation> {
  return readGeneration(app, layout.accountSessions(accountId));
}

/**
 * Everything is proved: the engine signs the account in. `amr` after RFC 8176. Answers 303.
 * Somebody else's session on this browser ends with it: left to the engine, that would be a page of its own that
 * posts itself to the sign-out.
 */
export async function finishLogin(
  app: App,
  ctx: Context,
  {
    accountId,
    amr,
    signedInAt,
    remember,
    generation,
  }: {
    accountId: string;
    amr: string[];
    /** When the first of `amr` was proved, if not just now: of a session that only proved more (epoch milliseconds). */
    signedInAt?: number | undefined;
    remember: boolean;
    /** `readSignInGeneration`, from before the account was looked at: an ending since then makes this no session. */
    generation: Generation;
  },
): Promise<Expired> {
  const proved = { accountId, amr, ...(generation ? { generation } : {}) };
  const ts = signedInAt === undefined ? epochSeconds(app.clock) : Math.floor(signedInAt / 1000);
  const login = { ...proved, remember, ts };
  // Also one that began in another tab after this sign-in did.
  const here = await app.provider.Session.get(ctx);
  let former: { uid: string; accountId: string } | undefined;
  const went = await goOn(app, ctx, ({ lastSubmission, session, params }) => {
    const others = [session, here].filter((one) => one?.accountId && one.accountId !== accountId);
    former = others[0] as typeof former;
    const result = { ...lastSubmission, ...answered(params), login };
    return { result, ...(former ? { session: undefined } : {}) };
  });
  if (went.ok && former) await endFormerSession(app, ctx, former);
  return went;
}

/**
 * Goes on as it is, with nothing new proved: the engine looks at everything anew. `withoutLevel`: the person has nothing to
 * reach the level with that the app asked for, and goes on without.
 */
export async function goOnAsItIs(
  app: App,
  ctx: Context,
  { withoutLevel = false }: { withoutLevel?: boolean } = {},
): Promise<Expired> {
  const more = withoutLevel ? { without_level: true } : {};
  return goOn(app, ctx, ({ lastSubmission, params }) => ({
    result: { ...lastSubmission, ...answered(params), ...more },
  }));
}

/** The engine asks for each of these until a result names it; whoever signed in or chose an account has answered both. */
function answered(params: Stored['params']): object {
  const asked = String(params?.['prompt'] ?? '').split(' ');
  return Object.fromEntries(
    ['select_account', 'create'].filter((one) => asked.includes(one)).map((one) => [one, {}]),
  );
}

async function endFormerSession(
  app: App,
  ctx: Context,
  { uid, accountId }: { uid: string; accountId: string },
) {
  await dropSession(app, uid);
  const source = sourceOf(ctx);
  await recordEvent(app, { type: 'account.signed_out', accountId, sessionUid: uid }, source);
}

/**
 * The decision was recorded (src/consents); from it the engine gets a grant for this session. Answers 303. What the
 * decision was stands in the record: it may hold more than this page asked for.
 */
export async function finishConsent(
  app: App,
  ctx: Context,
  { decision }: { decision: string },
): Promise<Expired> {
  const current = await currentInteraction(app, ctx);
  if (!current.ok) return current;
  const { accountId, sessionUid, client, details } = current.interaction;
  if (!accountId || !sessionUid || !client) return refused('expired');
  const grant = await mintGrant(app, { accountId, clientId: client.clientId, sessionUid }, details);
  // It was recorded before it takes effect; so by now it was withdrawn, or the app is gone.
  if (!grant) return refused('expired');
  // A session that ended meanwhile has listed its grants already (session-ending.ts), so it is looked at last.
  if (!(await isStillSignedIn(app, { accountId, sessionUid }))) {
    await dropGrant(app, grant.jti);
    return refused('expired');
  }
  return goOn(app, ctx, (before) =>
    isDecided(app, before, decision)
      ? undefined
      : { result: { ...before.lastSubmission, consent: { grantId: grant.jti } } },
  );
}

/** Back to the app with an OAuth error, most often `access_denied` (RFC 6749 section 4.1.2.1). Answers 303. */
export async function refuseInteraction(
  app: App,
  ctx: Context,
  { error, description, decision }: { error: string; description: string; decision?: string },
): Promise<Expired> {
  return goOn(app, ctx, (before) =>
    isDecided(app, before, decision) ? undefined : { result: { error, error_description: description } },
  );
}

function openProgress(app: App, uid: string, result: unknown): unknown {
  const sealed = (result as { progress?: string } | undefined)?.progress;
  return sealed && JSON.parse(app.seals.open(progressPurpose(uid), sealed));
}

/** Sealed for one interaction: progress of one cannot be put into another. */
function progressPurpose(uid: string): string {
  if (!uidShape.test(uid)) throw new Error('not an interaction');
  return `interaction ${uid}`;
}
