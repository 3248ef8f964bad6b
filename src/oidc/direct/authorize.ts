import type { Client, Grant, interactionPolicy, KoaContextWithOIDC, Session } from 'oidc-provider';
import { addressBucket } from '../../limits/limits.ts';
import { sourceOf } from '../../web/request-state.ts';
import { countOnce } from '../endpoint-limits.ts';
import { withContext } from '../engine-context.ts';
import { currentGrant } from '../grant-minting.ts';
import { sessionLasts } from '../lifetimes.ts';
import { endsWithSession } from '../offline-access.ts';
import { forgetSessionAhead, readSessionAhead } from '../session-ahead.ts';
import { settle } from '../settle.ts';
import { mayAskPlainly, type PlainAuthorization } from './authorize-request.ts';
import type { DirectContext } from './direct.ts';
import { openLightContext } from './light-context.ts';
import type { SessionCookie } from './session-cookie.ts';

type Asked = { params: PlainAuthorization; cookie: SessionCookie; policy: interactionPolicy.DefaultPolicy };

/**
 * RFC 6749 section 4.1.2 for somebody who is signed in and has decided: a code, with nobody asked. The engine's steps in
 * their order, less those that a plain request would pass unchanged. Answers where the browser goes on to; undefined
 * wherever a person has something to do, or the request is refused: nothing was written then.
 */
export async function authorize(
  context: Omit<DirectContext, 'form'>,
  { params, cookie, policy }: Asked,
): Promise<string | undefined> {
  const { provider, services, req } = context;
  const client = await provider.Client.find(params.client_id);
  if (!client || !mayAskPlainly(client, params)) return undefined;
  const ctx = openLightContext(provider, { req, route: 'authorization', client, params });
  if (ctx.oidc.requestParamOIDCScopes.size !== params.scope.split(' ').length) return undefined;
  return withContext(ctx, async () => {
    readSessionAhead(services, ctx);
    await countOnce(services, req, addressBucket(sourceOf(ctx).ip));
    const session = await provider.Session.find(cookie.id);
    if (!session?.accountId) return undefined;
    const grant = await decided(context, ctx, session);
    if (!grant || (await asksPerson(policy, ctx))) return undefined;
    return answered(context, ctx, { client, session, grant, params });
  });
}

/** The grant under which this session has all that is asked for; the context then knows all that the policy asks about. */
async function decided(
  { provider, findAccount }: Pick<DirectContext, 'provider' | 'findAccount'>,
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
  if (!current || !covered || grantedDetails(current)) return undefined;
  ctx.oidc.entity('Grant', current);
  return current;
}

function grantedDetails({ rar }: Grant): boolean {
  return rar !== undefined && rar.length > 0;
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

async function answered(
  { provider, services }: Pick<DirectContext, 'provider' | 'services'>,
  ctx: KoaContextWithOIDC,
  { client, session, grant, params }: Given,
): Promise<string | undefined> {
  const { clientId } = client;
  session.ensureClientContainer(clientId);
  session.grantIdFor(clientId, grant.jti);
  const scope = grant.getOIDCScopeFiltered(ctx.oidc.requestParamScopes);
  if (!scope) return undefined;
  provider.emit('authorization.accepted', ctx);
  const code = await codeFor(ctx, { client, session, grant, params }, scope);
  const out = { code, ...(params.state === undefined ? {} : { state: params.state }), iss: provider.issuer };
  provider.emit('authorization.success', ctx, out);
  await session.save(sessionLasts(services, session));
  try {
    await settle(services, provider, ctx);
  } catch (error) {
    forgetSessionAhead(ctx.req);
    throw error;
  }
  return addressWith(params.redirect_uri, out);
}

type Given = { client: Client; session: Session; grant: Grant; params: PlainAuthorization };

async function codeFor(
  { oidc }: KoaContextWithOIDC,
  { client, session, grant, params }: Given,
  scope: string,
): Promise<string> {
  const { clientId } = client;
  const code = new oidc.provider.AuthorizationCode({
    accountId: session.accountId,
    acr: oidc.acr,
    amr: oidc.amr,
    authTime: session.authTime(),
    client,
    codeChallenge: params.code_challenge,
    codeChallengeMethod: 'S256',
    grantId: grant.jti,
    nonce: params.nonce,
    redirectUri: params.redirect_uri,
    scope,
    sessionUid: session.uid,
  } as never);
  if (endsWithSession(code)) code.expiresWithSession = true;
  else session.authorizationFor(clientId).persistsLogout = true;
  if (client.includeSid()) code.sid = session.sidFor(clientId);
  oidc.entity('AuthorizationCode', code);
  return code.save();
}

/** In the order in which the engine answers. */
function addressWith(redirectUri: string, out: Record<string, string>): string {
  const address = new URL(redirectUri);
  for (const [name, value] of Object.entries(out)) address.searchParams.set(name, value);
  return address.href;
}
