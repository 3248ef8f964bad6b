import type { Grant, interactionPolicy, KoaContextWithOIDC, Session } from 'oidc-provider';
import { epochSeconds } from '../../kit/clock.ts';
import { addressBucket } from '../../limits/limits.ts';
import { sourceOf } from '../../web/request-state.ts';
import { countOnce } from '../endpoint-limits.ts';
import { withContext } from '../engine-context.ts';
import { currentGrant } from '../grant-minting.ts';
import { sessionLasts } from '../lifetimes.ts';
import { endsWithSession } from '../offline-access.ts';
import { forgetSessionAhead, readSessionAhead } from '../session-ahead.ts';
import { cookieLife } from '../session-cookie-life.ts';
import { settle } from '../settle.ts';
import { answerAddress, type CodeAnswer, withAnswer } from './answer-address.ts';
import { type Decided, newCode, noteInSession } from './authorization-code.ts';
import { mayAskPlainly, type PlainAuthorization } from './authorize-request.ts';
import type { DirectContext } from './direct.ts';
import { openLightContext } from './light-context.ts';
import type { LikelyGrants } from './likely-grants.ts';
import type { SessionCookie } from './session-cookie.ts';

type Asked = {
  params: PlainAuthorization;
  cookie: SessionCookie;
  policy: interactionPolicy.DefaultPolicy;
  likely: LikelyGrants;
};
type Context = Omit<DirectContext, 'form'>;

/** Where the browser goes on to, and for how long its session cookie lasts now. */
export type Authorized = { location: string; cookieLife: string };

/**
 * RFC 6749 section 4.1.2 for somebody who is signed in and has decided: a code, with nobody asked. The engine's steps in
 * their order, less those that a plain request would pass unchanged. Undefined wherever a person has something to do, or
 * the request is refused: nothing was written then.
 */
export async function authorize(
  context: Context,
  { params, cookie, policy, likely }: Asked,
): Promise<Authorized | undefined> {
  const { provider, services, req } = context;
  const client = await provider.Client.find(params.client_id);
  const address = client && answerAddress(client, params.redirect_uri);
  if (!address || !mayAskPlainly(client, params)) return undefined;
  const ctx = openLightContext(provider, { req, route: 'authorization', client, params });
  if (ctx.oidc.requestParamOIDCScopes.size !== params.scope.split(' ').length) return undefined;
  return withContext(ctx, async () => {
    const place = { uid: cookie.uid, clientId: client.clientId };
    readSessionAhead(services, ctx);
    const ahead = likely.readAhead(ctx, place);
    await countOnce(services, req, addressBucket(sourceOf(ctx).ip));
    const session = await provider.Session.find(cookie.id);
    if (!session?.accountId) return undefined;
    await ahead;
    const grant = await decidedIn(context, ctx, session);
    const scope = grant?.getOIDCScopeFiltered(ctx.oidc.requestParamScopes);
    if (!grant || !scope || (await asksPerson(policy, ctx))) return undefined;
    likely.remember(place, grant.jti);
    const ends = endsWithSession({ scopes: new Set(scope.split(' ')) });
    const answer = await answered(context, ctx, { client, session, grant, params, scope, ends });
    return { location: withAnswer(address, answer), cookieLife: cookieLife(session) };
  });
}

/** The grant under which this session has all that is asked for; the context then knows all that the policy asks about. */
async function decidedIn(
  { provider, findAccount }: Pick<Context, 'provider' | 'findAccount'>,
  ctx: KoaContextWithOIDC,
  session: Session,
): Promise<Grant | undefined> {
  Object.assign(ctx.oidc, { session });
  ctx.oidc.entity('Session', session);
  const account = await findAccount(ctx, String(session.accountId));
  if (!account) return undefined;
  ctx.oidc.entity('Account', account);
  const { current, covered } = await currentGrant({ provider }, ctx);
  // What was allowed once of a kind of its own (RFC 9396) is told in its own way.
  if (!current || !covered || (current.rar?.length ?? 0) > 0) return undefined;
  ctx.oidc.entity('Grant', current);
  return current;
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

/** The code, kept together with what the session has to say of it, or neither. */
async function answered(
  { provider, services }: Context,
  ctx: KoaContextWithOIDC,
  decided: Decided,
): Promise<CodeAnswer> {
  const { session, params } = decided;
  provider.emit('authorization.accepted', ctx);
  const news = noteInSession(ctx, decided, services.clock.now());
  const answer = {
    code: await newCode(ctx, decided).save(),
    ...(params.state === undefined ? {} : { state: params.state }),
    iss: provider.issuer,
  };
  provider.emit('authorization.success', ctx, answer);
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
