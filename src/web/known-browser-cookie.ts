import type { Context } from 'koa';
import type { Settings } from '../settings.ts';

/**
 * The cookie by which a browser is recognised (src/credentials/known-browsers.ts says as what). It lets nobody in. As
 * with the others, prefix and `Secure` are left out on a loopback issuer with plain http.
 */
function cookieName({ issuer }: Pick<Settings, 'issuer'>): string {
  return issuer.https ? '__Host-known-browser' : 'known-browser';
}

/** What the browser brought; the first, should something have planted a second one. */
export function readKnownBrowser(
  settings: Pick<Settings, 'issuer'>,
  cookieHeader: string,
): string | undefined {
  const beginning = `${cookieName(settings)}=`;
  const pair = cookieHeader
    .split(';')
    .map((one) => one.trim())
    .find((one) => one.startsWith(beginning));
  const value = pair?.slice(beginning.length);
  return value !== undefined && /^[\w.-]{1,100}$/.test(value) ? value : undefined;
}

/** `lifeMs`: from now; each sign-in renews it. */
export function writeKnownBrowser(
  settings: Pick<Settings, 'issuer'>,
  ctx: Context,
  { token, lifeMs }: { token: string; lifeMs: number },
): void {
  const flags = `Path=/; Max-Age=${Math.floor(lifeMs / 1000)}; SameSite=Lax; HttpOnly`;
  ctx.append(
    'Set-Cookie',
    `${cookieName(settings)}=${token}; ${flags}${settings.issuer.https ? '; Secure' : ''}`,
  );
}
