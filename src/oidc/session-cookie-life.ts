import type { Context } from 'koa';
import type { KoaContextWithOIDC } from 'oidc-provider';
import { sessionCookieName } from './browser-cookies.ts';
import { memoryOf } from './request-memory.ts';

type Lasting = { exp?: number | undefined; transient?: boolean | undefined };

/** What makes a cookie outlive the browser's window, where the person wanted to stay signed in; else nothing. */
export function cookieLife({ exp, transient }: Lasting): string {
  return exp && !transient ? `; expires=${new Date(exp * 1000).toUTCString()}` : '';
}

/**
 * The engine gives the browser its cookie again at every request. One that came with a secret of before, or whose session ends
 * meanwhile, is given none: by now the browser may have a better one, from another tab. Whose session is over before it is
 * looked up begins anew, with a cookie.
 */
export function isOldCookie(ctx: object, session: { uid: string } | undefined): boolean {
  return session !== undefined && memoryOf(ctx).sessions.get(session.uid)?.isOld === true;
}

/** To be called whether or not the request went well. */
export function withholdOldCookie(ctx: Context, issuer: { https: boolean }): void {
  const { session } = (ctx as unknown as KoaContextWithOIDC).oidc;
  const cookies = ctx.response.headers['set-cookie'];
  if (!isOldCookie(ctx, session) || !Array.isArray(cookies)) return;
  // What takes it away, at a sign-out, names no session.
  const given = new RegExp(`^${sessionCookieName(issuer)}(\\.sig)?=(?!.*; expires=Thu, 01 Jan 1970)`);
  ctx.set(
    'Set-Cookie',
    cookies.filter((cookie) => !given.test(cookie)),
  );
}

/**
 * The engine says how long the session's cookie lasts once it has written the session, in the header that it finds under its
 * own name of the cookie. Ours has another name (browser-cookies.ts), so it is said here.
 */
export function keepSessionCookie(ctx: Context, issuer: { https: boolean }): void {
  const { session } = (ctx as unknown as KoaContextWithOIDC).oidc;
  const cookies = ctx.response.headers['set-cookie'];
  const life = session && cookieLife(session);
  if (!life || !Array.isArray(cookies)) return;
  const name = sessionCookieName(issuer);
  const ours = new RegExp(`^${name}(\\.sig)?=(?!.*; expires=)`);
  ctx.set(
    'Set-Cookie',
    cookies.map((cookie) => (ours.test(cookie) ? cookie + life : cookie)),
  );
}
