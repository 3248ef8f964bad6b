import type { Middleware } from 'koa';
import { readWholeForm } from '../../web/form.ts';
import { Problem } from '../../web/problem.ts';

/**
 * Requests by POST where people are sent to: to authorize (OpenID Connect Core section 3.1.2.1) and to sign out
 * (RP-Initiated Logout 1.0 section 2). Our session cookie is SameSite=Lax, so a form that another site sends comes without
 * it. The parameters are sent on to the same address by GET: the browser follows as it follows a link, with the session.
 * What is too long for an address is to be pushed (RFC 9126).
 */
const longest = 8000;
const addresses = new Set(['/authorize', '/logout']);

export function postedRequests(): Middleware {
  return async (ctx, next) => {
    const path = ctx.path.toLowerCase().replace(/\/$/, '');
    if (ctx.method !== 'POST' || !addresses.has(path)) return next();
    const parameters = new URLSearchParams(await readWholeForm(ctx)).toString();
    if (parameters.length > longest)
      throw new Problem({ status: 413, code: 'form_too_large', reason: 'too long for an address: push it' });
    ctx.status = 303;
    ctx.set('Location', `${path}?${parameters}`);
    ctx.body = '';
  };
}
