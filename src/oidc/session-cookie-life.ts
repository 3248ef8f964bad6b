import type { Context } from 'koa';
import type { KoaContextWithOIDC } from 'oidc-provider';
import { sessionCookieName } from './browser-cookies.ts';

type Lasting = { exp?: number | undefined; transient?: boolean | undefined };

/** What makes a cookie outlive the browser's window, where the person wanted to stay signed in; else nothing. */
export function cookieLife({ exp, transient }: Lasting): string {
  return exp && !transient ? `; expires=${new Date(exp * 1000).toUTCString()}` : '';
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
