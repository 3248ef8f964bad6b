import type { Context } from 'koa';
import type { Settings } from '../settings.ts';

/**
 * The cookies of trusted devices (src/credentials/trusted-devices.ts says what they are good for): one for each account that
 * trusts this browser, named by the beginning of the device's id. With the prefix no neighbouring subdomain can plant one (RFC
 * 6265bis section 4.1.3); as with the others, it and `Secure` are left out on a loopback issuer with plain http.
 */
const mostCookies = 10;

function beginning({ issuer }: Pick<Settings, 'issuer'>): string {
  return issuer.https ? '__Host-device.' : 'device.';
}

/** What the browser brought, the oldest first (RFC 6265 section 5.4). Whose they are is not to be seen. */
export function readDeviceTokens(settings: Pick<Settings, 'issuer'>, cookieHeader: string): string[] {
  return deviceCookies(settings, cookieHeader)
    .map(({ value }) => value)
    .slice(-mostCookies);
}

/** A browser that piles them up loses the oldest, so that its requests do not grow too large to be answered. */
export function writeDeviceToken(
  settings: Pick<Settings, 'issuer'>,
  ctx: Context,
  { token, lifeMs }: { token: string; lifeMs: number },
): void {
  const name = nameOf(settings, token);
  const held = deviceCookies(settings, ctx.get('cookie')).filter((one) => one.name !== name);
  for (const old of held.slice(0, Math.max(0, held.length - mostCookies + 1)))
    append(settings, ctx, `${old.name}=`, 0);
  append(settings, ctx, `${name}=${token}`, Math.floor(lifeMs / 1000));
}

/** The device `id` of this browser is trusted no more. */
export function dropDeviceToken(settings: Pick<Settings, 'issuer'>, ctx: Context, id: string): void {
  append(settings, ctx, `${nameOf(settings, id)}=`, 0);
}

function nameOf(settings: Pick<Settings, 'issuer'>, id: string): string {
  return `${beginning(settings)}${id.slice(0, 8)}`;
}

function append(settings: Pick<Settings, 'issuer'>, ctx: Context, pair: string, maxAge: number): void {
  const flags = `Path=/; Max-Age=${maxAge}; SameSite=Lax; HttpOnly`;
  ctx.append('Set-Cookie', `${pair}; ${flags}${settings.issuer.https ? '; Secure' : ''}`);
}

function deviceCookies(settings: Pick<Settings, 'issuer'>, cookieHeader: string) {
  return cookieHeader.split(';').flatMap((pair) => {
    const [name = '', value = ''] = pair.trim().split('=', 2);
    const ours = name.startsWith(beginning(settings)) && /^[\w-]{22}\.[\w-]{43}$/.test(value);
    return ours ? [{ name, value }] : [];
  });
}
