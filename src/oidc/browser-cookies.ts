import type { Context } from 'koa';
import type { CookieKeys } from './cookie-keys.ts';

/**
 * The cookies a browser gets from us, all of them: the session, and one for each interaction it has under way.
 *
 * The engine scopes its two interaction cookies to paths, and a cookie with a path cannot have the `__Host-` prefix,
 * which alone keeps a neighbouring subdomain from planting one (RFC 6265bis section 4.1.3). Both carry the same value,
 * the interaction's uid. So here they are one cookie, named for the uid that stands in the request's path, at `/`.
 * A browser that piles them up loses the oldest: a page that opens interactions in a loop cannot make its requests
 * too large to be answered.
 */
export const cookieNames = { session: 'session', interaction: 'interaction', resume: 'resume' } as const;

const mostInteractions = 10;

type Cookies = Context['cookies'];
type CookieOptions = Parameters<Cookies['set']>[2];

export function browserCookies(
  inner: Cookies,
  request: { path: string; cookieHeader: string; https: boolean },
): Cookies {
  const prefix = request.https ? '__Host-' : '';
  const sessionCookie = sessionCookieName(request);
  const interactionCookie = (uid: string) => `${prefix}interaction.${uid}`;
  const place = {
    path: '/',
    overwrite: true,
    secure: request.https,
    sameSite: 'lax',
    httpOnly: true,
  } as const;

  function nameOf(name: string, uid: string | undefined): string | undefined {
    if (name === cookieNames.session) return sessionCookie;
    return uid && interactionCookie(uid);
  }

  function set(name: string, value?: string | null, options: CookieOptions = {}): Cookies {
    const uid = value ?? uidInPath(options.path ?? '');
    const actual = nameOf(name, uid);
    if (!actual) return inner;
    const { domain: _domain, ...kept } = options;
    inner.set(actual, value, { ...kept, ...place });
    if (name === cookieNames.resume && value) forgetOldest();
    return inner;
  }

  /** As Koa reads it, which would make a pattern of each name and keep it for good: here each interaction has one of its own. */
  function read(name: string, signed: boolean): string | undefined {
    const { keys } = inner as unknown as { keys: CookieKeys | undefined };
    const value = cookieIn(request.cookieHeader, name);
    if (value === undefined || !signed) return value;
    if (!keys) throw new Error('cookies that are to be signed need keys');
    const signature = cookieIn(request.cookieHeader, `${name}.sig`);
    if (signature === undefined) return undefined;
    const text = `${name}=${value}`;
    const by = keys.index(text, signature);
    if (by === 0) return value;
    inner.set(`${name}.sig`, by < 0 ? null : keys.sign(text), { path: '/', signed: false });
    return by < 0 ? undefined : value;
  }

  function forgetOldest(): void {
    const held = namesIn(request.cookieHeader, `${prefix}interaction.`);
    // Browsers send cookies of one path oldest first (RFC 6265 section 5.4).
    for (const name of held.slice(0, Math.max(0, held.length - mostInteractions + 1)))
      inner.set(name, null, { ...place, signed: true });
  }

  return {
    get secure() {
      return request.https;
    },
    set secure(_ignored: boolean) {},
    get(name: string, options?: Parameters<Cookies['get']>[1]) {
      const actual = nameOf(name, uidInPath(request.path));
      if (actual === sessionCookie) return inner.get(actual, options);
      return actual && read(actual, options?.signed ?? true);
    },
    set,
  } as unknown as Cookies;
}

/** Ports of localhost share their cookies (RFC 6265 section 8.5), and "session" is what Flask and others call theirs. */
export function sessionCookieName({ https }: { https: boolean }): string {
  return https ? '__Host-session' : 'latchkey-session';
}

/** `/interaction/<uid>/...` and `/authorize/<uid>` name the interaction they are about. */
function uidInPath(path: string): string | undefined {
  return /^\/(?:interaction|authorize|device)\/([A-Za-z0-9_-]{43})(?:\/|$)/i.exec(path)?.[1];
}

/** The first of that name, as Koa has it. */
function cookieIn(header: string, name: string): string | undefined {
  const beginning = `${name}=`;
  const pairs = header.split(';').map((one) => one.trimStart());
  return pairs
    .find((one) => one.startsWith(beginning))
    ?.slice(beginning.length)
    .replace(/^"(.*)"$/, '$1');
}

function namesIn(header: string, beginning: string): string[] {
  return header
    .split(';')
    .map((pair) => pair.trim().split('=')[0] ?? '')
    .filter((name) => name.startsWith(beginning) && !name.endsWith('.sig'));
}
