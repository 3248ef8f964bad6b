import type { AuthorizationCode, Client, Grant, KoaContextWithOIDC, Session } from 'oidc-provider';
import { noteDecided } from '../decided-scopes.ts';
import { memoryOf } from '../request-memory.ts';
import { wasNoted } from '../session-stamp.ts';
import type { PlainAuthorization } from './authorize-request.ts';

/** All that a code is made from, once nobody is to be asked. `ends`: with the session, as all that is given for it. */
export type Decided = {
  client: Client;
  session: Session;
  grant: Grant;
  params: PlainAuthorization;
  scope: string;
  ends: boolean;
};

/** The code of a plain request, as the engine makes it (its `process_response_types.js`); it is not kept yet. */
export function newCode(
  { oidc }: KoaContextWithOIDC,
  { client, session, grant, params, scope, ends }: Decided,
): AuthorizationCode {
  const code = new oidc.provider.AuthorizationCode({
    accountId: session.accountId,
    acr: oidc.acr,
    amr: oidc.amr,
    authTime: session.authTime(),
    client,
    codeChallenge: params.code_challenge,
    codeChallengeMethod: params.code_challenge_method,
    grantId: grant.jti,
    nonce: params.nonce,
    redirectUri: params.redirect_uri,
    scope,
    sessionUid: session.uid,
    ...(ends ? { expiresWithSession: true } : {}),
    ...(client.includeSid() ? { sid: session.sidFor(client.clientId) } : {}),
  } as never);
  oidc.entity('AuthorizationCode', code);
  return code;
}

/**
 * Notes the app in the session as the engine does, and we on its way: the name it has there, the grant, what was decided in it,
 * and that what it is given outlives the session. Answers whether the session has to be kept: of most uses there is nothing
 * new to say (session-stamp.ts).
 */
export function noteInSession(
  ctx: KoaContextWithOIDC,
  { client: { clientId }, session, grant, ends }: Decided,
  now: number,
): boolean {
  const { sid, grantId, persistsLogout } = session.authorizationFor(clientId);
  session.ensureClientContainer(clientId);
  session.grantIdFor(clientId, grant.jti);
  if (!ends) session.authorizationFor(clientId).persistsLogout = true;
  const decided = noteDecided(session, grant);
  const news = decided || !sid || grantId !== grant.jti || (!ends && !persistsLogout);
  const read = memoryOf(ctx).sessions.get(session.uid)?.session;
  return news || !read || !wasNoted(read, now);
}
