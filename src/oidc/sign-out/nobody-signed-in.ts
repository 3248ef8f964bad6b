import type { Context } from 'koa';
import type { KoaContextWithOIDC } from 'oidc-provider';

/**
 * An app asks to sign out somebody who is not signed in here (any more). There is nothing to ask and nothing to end, so
 * the browser goes on at once to where it would have gone (RP-Initiated Logout 1.0 section 3). The engine would send
 * itself a form for it. It has checked the address by now. Whoever says yes once more, after an answer that was lost or a
 * store that failed, is signed out by then, and the engine would only say that it knows nothing of it.
 */
export function goOnSignedOut(ctx: Context): void {
  const { oidc } = ctx as Context & { oidc?: KoaContextWithOIDC['oidc'] };
  const nothingToDo = { end_session: 200, end_session_confirm: 400 }[oidc?.route ?? ''];
  if (!oidc?.session || oidc.session.accountId || ctx.status !== nothingToDo) return;
  const { post_logout_redirect_uri: registered, state } = (oidc.params ?? {}) as Record<string, string>;
  const next = new URL(registered ?? oidc.urlFor('end_session_success'));
  if (registered !== undefined && state !== undefined) next.searchParams.append('state', state);
  ctx.status = 303;
  ctx.redirect(registered === undefined ? next.pathname : next.href);
  ctx.body = '';
}
