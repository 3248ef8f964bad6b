import type { interactionPolicy, KoaContextWithOIDC } from 'oidc-provider';
import { epochSeconds } from '../../kit/clock.ts';
import { addressBucket } from '../../limits/limits.ts';
import { sourceOf } from '../../web/request-state.ts';
import { countOnce } from '../endpoint-limits.ts';
import { withContext } from '../engine-context.ts';
import { asksForMore, currentGrant } from '../grant-minting.ts';
import { sessionLasts } from '../lifetimes.ts';
import { endsWithSession } from '../offline-access.ts';
import { handOn } from '../request-memory.ts';
import { forgetSessionAhead, readSessionAhead } from '../session-ahead.ts';
import { cookieLife, isOldCookie } from '../session-cookie-life.ts';
import { settle } from '../settle.ts';
import { answerAddress, type CodeAnswer, withAnswer } from './answer-address.ts';
import { type Decided, newCode, noteInSession } from './authorization-code.ts';
import { mayAskPlainly, type PlainAuthorization } from './authorize-request.ts';
import type { DirectContext } from './direct.ts';
import { openLightContext } from './light-context.ts';
import type { LikelyGrants } from './likely-grants.ts';
import type { SessionCookie } from './session-cookie.ts';

type Context = Omit<DirectContext, 'form'> & {
  params: PlainAuthorization;
  cookie: SessionCookie;
  policy: interactionPolicy.DefaultPolicy;
  likely: LikelyGrants;
};

/** Where the browser goes on to, and for how long its session cookie lasts now; undefined when it is given none. */
export type Authorized = { location: string; cookieLife: string | undefined };

/**
 * RFC 6749 section 4.1.2 for somebody who is signed in and has decided: a code, with nobody asked. The engine's steps in
 * their order, less those that a plain request would pass unchanged. Undefined wherever a person has something to do, or
 * the request is refused: nothing was written then.
 */
export async function authorize(context: Context): Promise<Authorized | undefined> {
  const { provider, services, req, params, cookie } = context;
  const ctx = openLightContext(provider, { req, route: 'authorization', params });
  return withContext(ctx, async () => {
    readSessionAhead(services, ctx);
    const ahead = context.likely.readAhead(ctx, placeOf(context));
    // Before anything is looked for: an app may be one that is known only by asking the address it names.
    await countOnce(services, req, addressBucket(sourceOf(ctx).ip));
    const client = await provider.Client.find(params.client_id);
    const address = client && answerAddress(client, params.redirect_uri);
    if (!address || !mayAskPlainly(client, params)) return undefined;
    ctx.oidc.entity('Client', client);
    const session = await provider.Session.find(cookie.id);
    await ahead;
    const decided = session && (await decidedIn(context, ctx, { client, session }));
    if (!decided || (await asksPerson(context.policy, ctx))) return handOn(ctx);
    const answer = await answered(context, ctx, decided);
    const life = isOldCookie(ctx, session) ? undefined : cookieLife(session);
    return { location: withAnswer(address, answer), cookieLife: life };
  });
}

function placeOf({ cookie: { uid }, params: { client_id: clientId } }: Context) {
  return { uid, clientId };
}

/** All of it under one grant of this session; the context then knows what the policy asks about. */
async function decidedIn(
  { provider, findAccount, params }: Context,
  ctx: KoaContextWithOIDC,
  { client, session }: Pick<Decided, 'client' | 'session'>,
): Promise<Decided | undefined> {
  const { oidc } = ctx;
  // A scope that it does not know the engine leaves out, and goes on with the rest.
  if (!session.accountId || oidc.requestParamOIDCScopes.size < oidc.requestParamScopes.size) return undefined;
  Object.assign(oidc, { session });
  oidc.entity('Session', session);
  const account = await findAccount(ctx, session.accountId);
  if (!account) return undefined;
  oidc.entity('Account', account);
  if (asksForMore(ctx)) return undefined;
  const { current: grant, covered } = await currentGrant({ provider }, ctx);
  // What was allowed once of a kind of its own (RFC 9396) is told in its own way.
  if (!grant || !covered || (grant.rar?.length ?? 0) > 0) return undefined;
  oidc.entity('Grant', grant);
  const scope = grant.getOIDCScopeFiltered(oidc.requestParamScopes);
  const ends = endsWithSession({ scopes: new Set(scope.split(' ')) });
  return scope === '' ? undefined : { client, session, grant, params, scope, ends };
}

/** Every check of every prompt, as the engine runs them. */
async function asksPerson(
  policy: interactionPolicy.DefaultPolicy,
  ctx: KoaContextWithOIDC,
): Promise<boolean> {
  for (const { checks } of policy)
    for (const { check } of checks) {
      if (await check(ctx)) return true;
    }
  return false;
}

/** The code, and what the session has to say of it: both are kept before an answer leaves, or none does. */
async function answered(context: Context, ctx: KoaContextWithOIDC, decided: Decided): Promise<CodeAnswer> {
  const { provider, services, params } = context;
  const { session, grant } = decided;
  provider.emit('authorization.accepted', ctx);
  const news = noteInSession(ctx, decided, services.clock.now());
  const answer = {
    code: await newCode(ctx, decided).save(),
    ...(params.state === undefined ? {} : { state: params.state }),
    iss: provider.issuer,
  };
  provider.emit('authorization.success', ctx, answer);
  context.likely.remember(placeOf(context), grant.jti);
  const lasts = sessionLasts(services, session);
  if (news) await session.save(lasts);
  else session.exp = epochSeconds(services.clock) + lasts;
  try {
    await settle(services, provider, ctx);
  } catch (error) {
    // It may be that the session ended: whoever goes on reads it anew.
    forgetSessionAhead(ctx.req);
    throw error;
  }
  return answer;
}
